import assert from "node:assert/strict";
import { resolveSampling } from "../../../src/agents/sampling";
import { withoutCalls } from "../../../src/agents/withoutCalls";

describe("an answer that may not call", () => {
  const sampling = resolveSampling({ request: { logitBias: { 3: 1 } } });
  const tools = [{ name: "look", description: "Looks." }];

  it("opens no call, and keeps the biases that it was given", () => {
    const { logitBias } = withoutCalls(sampling, { tools, toolMode: "none" }, [7, 8]);
    assert.deepEqual(logitBias, { 3: 1, 7: -10_000, 8: -10_000 });
  });

  it("is sampled as every other where it may call, has no tools, or its model has no marks", () => {
    assert.equal(withoutCalls(sampling, { tools }, [7]), sampling);
    assert.equal(withoutCalls(sampling, { tools, toolMode: "required" }, [7]), sampling);
    assert.equal(withoutCalls(sampling, { toolMode: "none" }, [7]), sampling);
    assert.equal(withoutCalls(sampling, { tools, toolMode: "none" }, []), sampling);
  });
});
