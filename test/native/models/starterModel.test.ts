import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listModels } from "../../../src/models/catalogue";
import { inspectModel } from "../../../src/models/modelDirectory";
import { starterModel } from "../../support/models/starterModel";

describe("The starter model", () => {
  it("is a complete model directory", async () => {
    const detail = await inspectModel(starterModel, { starterModel, kvDtype: "f32" });
    assert.deepEqual(detail, {
      directory: starterModel,
      name: "SmolLM2-135M-Instruct",
      architecture: "llama",
      quantization: "4-bit, some 8-bit",
      weightBytes: 98_346_240,
      contextTokens: 8192,
      isStarter: true,
      numLayers: 30,
      numHeads: 9,
      numKvHeads: 3,
      headDim: 64,
      vocabSize: 49152,
      kvBytesPerToken: 2 * 30 * 3 * 64 * 4,
      hasChatTemplate: true,
      thinkingChoices: [],
      insistsOnDate: false,
      takesTools: false,
      eosTokens: ["<|im_end|>", "<|endoftext|>"],
      leftOut: [],
    });
  });

  it("is listed as the starter, without a problem", async () => {
    const nowhere = join(starterModel, "none");
    const models = await listModels(
      { starterModel, imported: nowhere, others: [], found: [] },
      { memoryBytes: 2 ** 30, loaded: undefined },
    );
    assert.deepEqual(
      models.map(({ isStarter, problem }) => [isStarter, problem]),
      [[true, undefined]],
    );
  });

  it("states its quantisation module by module, as mlx_lm reads it", async () => {
    const config = JSON.parse(await readFile(join(starterModel, "config.json"), "utf8"));
    assert.deepEqual(config.quantization, {
      group_size: 32,
      bits: 4,
      "model.embed_tokens": { group_size: 32, bits: 8 },
    });
  });
});
