import assert from "node:assert/strict";
import { kvBytes, kvBytesPerToken, readModelFacts } from "../../../src/models/modelFacts";
import { configCases, plainConfig } from "../../support/models/configCases";
import { rejection } from "../../support/models/folders";

describe("What config.json says about a model", () => {
  for (const { name, config, unsupported } of configCases) {
    it(unsupported === undefined ? `${name} is one that we compute` : `${name} is refused by name`, async () => {
      const facts = (async () => readModelFacts(config))();
      if (unsupported === undefined) return void (await facts);
      const error = await rejection(facts, "MODEL_UNSUPPORTED", /is not supported/);
      assert.equal(error.facts["unsupported"], unsupported);
      assert.equal(error.facts["family"], "model_type" in config ? config.model_type : undefined);
    });
  }

  it("tells sizes, what is quantised and what a token costs", () => {
    const affine = { group_size: 64, bits: 4, mode: "affine" };
    const facts = readModelFacts({ ...plainConfig, quantization: { ...affine, lm_head: { ...affine, bits: 8 } } });
    assert.deepEqual(facts, {
      family: "llama",
      numLayers: 4,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 64,
      hiddenSize: 256,
      intermediateSize: 512,
      vocabSize: 320,
      contextTokens: 2048,
      windows: [],
      quantization: "4-bit, some 8-bit",
    });
    assert.equal(kvBytesPerToken(facts, "f16"), 2 * 4 * 2 * 64 * 2);
    assert.equal(kvBytes(facts, "f16", 1000), 1000 * kvBytesPerToken(facts, "f16"));
  });

  it("counts of layers with a window what the window holds", () => {
    const facts = readModelFacts({ ...plainConfig, model_type: "gemma3_text", sliding_window: 100, head_dim: 64 });
    assert.deepEqual(facts.windows, [100, 100, 100, 100]);
    assert.equal(kvBytes(facts, "f16", 1000), 100 * kvBytesPerToken(facts, "f16"));
    assert.equal(kvBytes(facts, "f16", 40), 40 * kvBytesPerToken(facts, "f16"));
  });

  it("knows how long YaRN makes the context", () => {
    const rope_scaling = { type: "yarn", factor: 4, original_max_position_embeddings: 1000 };
    assert.equal(readModelFacts({ ...plainConfig, rope_scaling }).contextTokens, 4000);
  });
});
