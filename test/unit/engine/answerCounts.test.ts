import assert from "node:assert/strict";
import fc from "fast-check";
import { repetitionWindowTokens } from "../../../src/common/samplingRanges";
import { AnswerCounts } from "../../../src/engine/answerCounts";
import { runs } from "../../support/engine/world/actions";

describe("AnswerCounts", () => {
  it("counts what was added, whatever and however much that is", () => {
    const answers = fc.array(fc.nat({ max: 120 }), { maxLength: 700, size: "max" });
    fc.assert(
      fc.property(answers, (ids) => {
        const counts = new AnswerCounts();
        ids.forEach((id, index) => {
          counts.add(id);
          assert.deepEqual([...counts.view().recentIds], ids.slice(0, index + 1).slice(-repetitionWindowTokens));
        });
        const expected = new Map<number, number>();
        for (const id of ids) expected.set(id, (expected.get(id) ?? 0) + 1);
        const view = counts.view();
        assert.deepEqual(new Map([...view.ids].map((id, index) => [id, view.counts[index]])), expected);
      }),
      runs(64, 100),
    );
  });
});
