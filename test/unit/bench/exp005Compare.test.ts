import assert from "node:assert/strict";
import { compareAnswers, type OwnAnswer } from "../../../src/bench/exp005Compare";
import type { ReferenceAnswer } from "../../../src/bench/reference";

const reference: ReferenceAnswer = {
  name: "hello",
  promptTokens: 3,
  tokenIds: [10, 11, 12, 2],
  gaps: [1, 0.0005, 2, 0.5],
  finishReason: "stop",
  decoded: " by date",
  generated: "by date",
};
const ours: OwnAnswer = { promptTokens: 3, tokenIds: [10, 11, 12, 2], finishReason: "stop", text: " by date" };

/** Why the two are different; fails when they are not. */
function reasonOf(own: Partial<OwnAnswer>, theirs: Partial<ReferenceAnswer> = {}): string {
  const comparison = compareAnswers({ ...ours, ...own }, { ...reference, ...theirs });
  if (comparison.outcome === "different") return comparison.reason;
  assert.fail(`they are taken for ${comparison.outcome}`);
}

describe("An answer compared with the reference's", () => {
  it("is identical with the same ids, end and text; a small gap alone is no tie", () => {
    assert.deepEqual(compareAnswers(ours, reference), { outcome: "identical", tokens: 4, smallestGap: 0.0005 });
  });

  it("is a tie where the ids part at a gap below 1e-3, whatever follows", () => {
    const parted = { ...ours, tokenIds: [10, 99, 98], finishReason: "length", text: "something else" };
    assert.deepEqual(compareAnswers(parted, reference), { outcome: "tie", tokens: 1, smallestGap: 0.0005 });
  });

  it("is different where the ids part at a wider gap", () => {
    assert.match(reasonOf({ tokenIds: [10, 11, 99, 2] }), /token 2 is 99, in the reference 12 at a gap of 2\.00/);
  });

  it("is different at a gap of exactly 1e-3", () => {
    assert.match(reasonOf({ tokenIds: [9, 11, 12, 2] }, { gaps: [1e-3, 1, 1, 1] }), /token 0 is 9/);
  });

  it("is different when it ends earlier or goes on, at any gap", () => {
    const gaps = [0, 0, 0, 0];
    assert.match(reasonOf({ tokenIds: [10, 11, 12] }, { gaps }), /token 3 is missing, in the reference 2/);
    assert.match(reasonOf({ tokenIds: [10, 11, 12, 2, 5] }, { gaps }), /token 4 is 5, in the reference missing/);
    assert.match(reasonOf({ tokenIds: [] }, { gaps }), /token 0 is missing/);
  });

  it("is different when the prompt was encoded to another number of tokens", () => {
    assert.match(reasonOf({ promptTokens: 4 }), /the prompt has 4 tokens, in the reference 3/);
  });

  it("is different when it ended for another reason", () => {
    assert.match(reasonOf({ finishReason: "length" }), /ended by length, the reference by stop/);
  });

  it("is different when its text is not the decoded ids'", () => {
    assert.match(reasonOf({ text: "by date" }), /decoded ids'/);
  });

  it("may have the one leading space that mlx_lm.generate drops, and no second", () => {
    assert.match(reasonOf({}, { generated: "  by date" }), /mlx_lm\.generate's/);
    assert.match(reasonOf({ text: "  x" }, { decoded: "  x", generated: "x" }), /mlx_lm\.generate's/);
    const comparison = compareAnswers({ ...ours, text: "  x" }, { ...reference, decoded: "  x", generated: " x" });
    assert.equal(comparison.outcome, "identical");
  });

  it("takes a first space that mlx_lm keeps, as it does with Gemma's tokenizer", () => {
    const kept = compareAnswers({ ...ours, text: " x" }, { ...reference, decoded: " x", generated: " x" });
    assert.equal(kept.outcome, "identical");
  });
});
