import assert from "node:assert/strict";
import { samplingRanges } from "../../../src/common/samplingRanges";
import { problemWith, samplingFields, withTyped } from "../../../src/extension/agents/samplingChoices";

const field = (name: string) => {
  const found = samplingFields.find((candidate) => candidate.name === name);
  assert.ok(found, name);
  return found;
};

describe("an agent's sampling, set by hand", () => {
  it("takes what the engine takes: both ends of every range, and nothing beyond", () => {
    for (const one of samplingFields) {
      const { min, max } = one.range;
      for (const value of [min, max]) assert.equal(problemWith(one, String(value)), undefined, one.name);
      assert.match(problemWith(one, String(min - 1)) ?? "", new RegExp(`from ${min} to ${max}`), one.name);
      for (const typed of ["x", "NaN", "1e400"]) assert.notEqual(problemWith(one, typed), undefined, one.name);
    }
    assert.match(problemWith(field("topK"), "1.5") ?? "", /a whole number/);
    assert.deepEqual(field("temperature").range, samplingRanges.temperature);
  });

  it("changes one field and keeps the others; nothing typed gives the default back", () => {
    const sampling = withTyped({ topP: 0.9 }, field("temperature"), " 0.2 ");
    assert.deepEqual(sampling, { topP: 0.9, temperature: 0.2 });
    assert.deepEqual(withTyped(sampling, field("temperature"), " "), { topP: 0.9 });
    assert.equal(problemWith(field("temperature"), " "), undefined);
  });
});
