import assert from "node:assert/strict";
import { silentLog } from "../../../src/common/log";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime } from "../../support/agents/fakeRuntime";
import { optionsFor, writeFakeModels } from "../../support/service/serviceOptions";
import { inFolder } from "../../support/store/fakes";

/** Rows of the steps that were run by the time the model was ready, and the tokens that each wanted. */
function stepsUntilReady(device: "cpu" | "gpu"): Promise<readonly number[]> {
  let steps: readonly number[] | undefined;
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const runtime = new FakeRuntime();
    runtime.device = device;
    const service = createLocalService(optionsFor(folder), runtime, silentLog);
    service.onEvent((event) => {
      if (event.type !== "engine" || event.state.type !== "ready") return;
      steps = (runtime.lastRunner?.batches ?? []).flatMap(({ rows }) => rows.map(({ tokens }) => tokens.length));
    });
    try {
      const { text } = await service.generate({ prompt: "Hello", sampling: { maxTokens: 4 } }).done;
      assert.ok(text.length > 0);
    } finally {
      await service.dispose();
    }
  }).then(() => steps ?? assert.fail("the model was never ready"));
}

describe("A model on a GPU", () => {
  it("has run steps of one, two and many rows, greedy and sampled, before it is ready", async () => {
    assert.deepEqual(await stepsUntilReady("gpu"), [1, 1, 2, 2, 16, 16]);
  });
});

describe("A model on a CPU", () => {
  it("has run none", async () => {
    assert.deepEqual(await stepsUntilReady("cpu"), []);
  });
});
