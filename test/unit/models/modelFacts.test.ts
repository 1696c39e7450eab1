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

  it("refuses a type that has the name of a JavaScript member like any other, in words that cross a thread", async () => {
    for (const model_type of ["constructor", "toString"]) {
      const refused = async () => readModelFacts({ ...plainConfig, model_type });
      const error = await rejection(
        refused(),
        "MODEL_UNSUPPORTED",
        new RegExp(`model_type ${model_type} is not supported$`),
      );
      assert.deepEqual(structuredClone(error.facts), {
        unsupported: `model_type ${model_type}`,
        family: model_type,
      });
    }
  });

  it("tells sizes, what is quantised and what a token costs", () => {
    const affine = { group_size: 64, bits: 4, mode: "affine" };
    const facts = readModelFacts({ ...plainConfig, quantization: { ...affine, lm_head: { ...affine, bits: 8 } } });
    const { formats, weights, ...sizes } = facts;
    assert.deepEqual([...formats], [["lm_head", { mode: "affine", bits: 8, groupSize: 64 }]]);
    assert.equal(weights.norms, "before");
    assert.deepEqual(sizes, {
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
    const facts = readModelFacts({ ...plainConfig, model_type: "olmo3", sliding_window: 100 });
    assert.deepEqual(facts.windows, [100, 100, 100, 0]);
    assert.equal(kvBytes(facts, "f16", 1000), (1300 * kvBytesPerToken(facts, "f16")) / 4);
    assert.equal(kvBytes(facts, "f16", 40), 40 * kvBytesPerToken(facts, "f16"));
  });

  it("ends the context where all layers have a window", () => {
    const limits = (changes: object) => {
      const { contextTokens, windows } = readModelFacts({ ...plainConfig, sliding_window: 100, ...changes });
      return { contextTokens, windows };
    };
    assert.deepEqual(limits({ model_type: "mistral" }), { contextTokens: 100, windows: [] });
    assert.deepEqual(limits({ model_type: "qwen2" }), { contextTokens: 2048, windows: [] });
    assert.deepEqual(limits({ model_type: "qwen2", use_sliding_window: true }), { contextTokens: 100, windows: [] });
    const layer_types = Array.from({ length: 4 }, () => "sliding_attention");
    assert.deepEqual(limits({ layer_types }), { contextTokens: 100, windows: [] });
  });

  it("reads the text part of a checkpoint of several parts", () => {
    const quantization = { mode: "mxfp4", group_size: 32, bits: 4, x: { group_size: 64, bits: 8 } };
    const facts = readModelFacts({
      model_type: "gemma3",
      vocab_size: 300,
      quantization,
      text_config: { hidden_size: 256, intermediate_size: 512, num_hidden_layers: 6 },
    });
    assert.equal(facts.family, "gemma3_text");
    assert.equal(facts.vocabSize, 300);
    assert.equal(facts.quantization, "mxfp4, some 8-bit");
  });

  it("knows how long YaRN makes the context", () => {
    const rope_scaling = { type: "yarn", factor: 4, original_max_position_embeddings: 1000 };
    assert.equal(readModelFacts({ ...plainConfig, rope_scaling }).contextTokens, 4000);
  });
});
