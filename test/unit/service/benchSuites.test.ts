import assert from "node:assert/strict";
import { benchSuites } from "../../../src/service/benchSuites";
import { FakeRuntime } from "../../support/agents/fakeRuntime";

const namesOf = (reference?: string) =>
  Object.keys(
    benchSuites({
      options: { nativeStage: "/stage", ...(reference === undefined ? {} : { reference }) },
      runtime: new FakeRuntime(),
      loaded: () => undefined,
      library: { defaultModel: "/model" },
    }),
  ).sort();

describe("the benchmark suites", () => {
  it("have EXP-005 only where the reference is", () => {
    assert.deepEqual(namesOf("/checkout/test/reference"), [
      "engine",
      "exp-005",
      "exp-006",
      "host",
      "resume",
      "soak",
      "throughput",
    ]);
    assert.deepEqual(namesOf(), ["engine", "exp-006", "host", "resume", "soak", "throughput"]);
  });
});
