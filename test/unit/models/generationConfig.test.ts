import assert from "node:assert/strict";
import fc from "fast-check";
import { isInSamplingRange } from "../../../src/common/samplingRanges";
import { samplingOfModel } from "../../../src/models/generationConfig";
import { modelSampling } from "../../../src/models/knownSampling";

describe("a model's own sampling", () => {
  it("is what its generation_config.json says, as its makers publish it", () => {
    const qwen = {
      bos_token_id: 151643,
      do_sample: true,
      eos_token_id: [151645, 151643],
      repetition_penalty: 1.05,
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
    };
    assert.deepEqual(samplingOfModel(qwen), { temperature: 0.7, topK: 20, topP: 0.8, minP: 0 });
    const gemma = { do_sample: true, eos_token_id: [1, 106], top_k: 64, top_p: 0.95 };
    assert.deepEqual(samplingOfModel(gemma), { temperature: 1, topK: 64, topP: 0.95, minP: 0 });
    const llama = { do_sample: true, temperature: 0.6, top_p: 0.9 };
    assert.deepEqual(samplingOfModel(llama), { temperature: 0.6, topK: 0, topP: 0.9, minP: 0 });
  });

  it("is known of the starter's weights, whose files say nothing; what a file says goes before it", () => {
    const starter = "aa7e2994a38a17f1c28ab066f78da6f7";
    for (const silent of [undefined, { eos_token_id: 2 }])
      assert.deepEqual(modelSampling(silent, starter), { temperature: 0 });
    const said = { temperature: 0.5, topK: 0, topP: 1, minP: 0 };
    assert.deepEqual(modelSampling({ temperature: 0.5 }, starter), said);
    assert.deepEqual(modelSampling(undefined, "0".repeat(32)), {});
  });

  it("is greedy where the file says that nothing is sampled", () => {
    assert.deepEqual(samplingOfModel({ do_sample: false, temperature: 0.6, top_k: 50 }), { temperature: 0 });
  });

  it("is none where there is no file, or the file only names token ids", () => {
    const silent = [undefined, null, [], "x", {}, { eos_token_id: 2, pad_token_id: 2 }, { temperature: "hot" }];
    for (const file of silent) assert.deepEqual(samplingOfModel(file), {});
  });

  it("leaves out what is off, of no number, or out of its range, whatever the file holds", () => {
    const off = { temperature: 1, topK: 0, topP: 1, minP: 0 };
    const odd = { do_sample: true, temperature: -1, top_k: 2.5, top_p: 3, min_p: null };
    assert.deepEqual(samplingOfModel(odd), off);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const file = { do_sample: true, temperature: value, top_k: value, top_p: value, min_p: value };
        for (const [name, number] of Object.entries(samplingOfModel(file))) {
          assert.ok(name in off && isInSamplingRange(name as keyof typeof off, number), `${name} ${number}`);
        }
      }),
    );
  });
});
