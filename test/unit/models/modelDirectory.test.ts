import assert from "node:assert/strict";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspectModel, readTemplateFacts, readTextFiles } from "../../../src/models/modelDirectory";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { zeroSafetensors } from "../../support/models/safetensors";
import { specialFiles } from "../../support/models/specialFiles";
import { tinyConfig, tinyTensors, tinyWeightBytes, writeTinyModel } from "../../support/models/tinyModel";

describe("Inspecting a model directory", () => {
  const folder = temporaryFolder();
  const directory = () => join(folder.path, "Tiny Model");
  const inspect = async (files: Readonly<Record<string, string | Buffer | undefined>> = {}) =>
    inspectModel(await writeTinyModel(directory(), files));
  const config = (change: object) => ({ "config.json": JSON.stringify({ ...tinyConfig, ...change }) });

  it("tells what the template asks for without the vocabulary, and without a folder what is missing", async () => {
    const template = "{% if enable_thinking is defined and enable_thinking %}{{ messages[0].content }}{% endif %}";
    await writeTinyModel(directory(), { "chat_template.jinja": template, "tokenizer.json": "{" });
    const facts = await readTemplateFacts(directory());
    assert.deepEqual([facts.hasChatTemplate, facts.insistsOnDate], [true, false]);
    assert.ok(facts.thinkingChoices.includes("on"));
    assert.equal(facts.takesTools, false);
    const telling = "{% for t in tools %}{{ t | tojson }}{% endfor %}{{ messages[0].content }}";
    await writeTinyModel(directory(), { "chat_template.jinja": telling });
    assert.equal((await readTemplateFacts(directory())).takesTools, true);
    await rejection(readTemplateFacts(join(directory(), "nowhere")), "MODEL_NOT_FOUND", /no folder/);
  });

  it("tells sizes, names and what a token costs", async () => {
    assert.deepEqual(await inspect(), {
      directory: directory(),
      name: "Tiny Model",
      architecture: "llama",
      quantization: "f16",
      weightBytes: tinyWeightBytes,
      contextTokens: 128,
      isStarter: false,
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 8,
      vocabSize: 8,
      kvBytesPerToken: 2 * 2 * 2 * 8 * 2,
      hasChatTemplate: true,
      thinkingChoices: [],
      insistsOnDate: false,
      takesTools: false,
      eosTokens: ["</s>"],
      leftOut: [],
    });
  });

  it("counts the cache in the element size that the device uses, and knows the starter again", async () => {
    const options = { kvDtype: "f32" as const, starterModel: `${directory()}/` };
    const detail = await inspectModel(await writeTinyModel(directory()), options);
    assert.equal(detail.kvBytesPerToken, 2 * 2 * 2 * 8 * 4);
    assert.equal(detail.isStarter, true);
  });

  it("finds no model in an empty, missing or other folder", async () => {
    await rejection(inspectModel(directory()), "MODEL_NOT_FOUND", /no folder/);
    await mkdir(directory());
    await rejection(inspectModel(directory()), "MODEL_NOT_FOUND", /no model/);
    await writeFile(join(directory(), "notes.txt"), "");
    await rejection(inspectModel(directory()), "MODEL_NOT_FOUND", /no model/);
    await rejection(inspectModel(join(directory(), "notes.txt")), "MODEL_NOT_FOUND", /not a folder/);
  });

  it("names the file that a half-downloaded model lacks", async () => {
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]) {
      const at = join(folder.path, name);
      await rejection(
        inspectModel(await writeTinyModel(at, { [name]: undefined })),
        "MODEL_INCOMPLETE",
        new RegExp(name),
      );
    }
    await rejection(inspect({ "tokenizer.json": "" }), "MODEL_INCOMPLETE", /tokenizer\.json is empty/);
  });

  it("refuses what is no regular file in place of any of its files, and waits for nobody", async () => {
    const names = [
      "config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "generation_config.json",
      "model.safetensors",
    ];
    for (const name of [...names, "model.safetensors.index.json", "chat_template.jinja"]) {
      for (const [kind, put] of Object.entries(specialFiles)) {
        const at = join(folder.path, `${kind} ${name}`);
        await writeTinyModel(at, { [name]: undefined });
        await put(join(at, name));
        await rejection(inspectModel(at), "IO_FAILURE", /is not a regular file/);
      }
    }
  });

  it("reads no text that nests too deeply or is too long", async () => {
    const deep = "[".repeat(5_000_000);
    for (const name of ["config.json", "tokenizer.json", "model.safetensors.index.json"]) {
      const at = join(folder.path, `deep ${name}`);
      await rejection(inspectModel(await writeTinyModel(at, { [name]: deep })), "MODEL_CORRUPT", /is not readable/);
    }
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(deep.length));
    const weights = Buffer.concat([length, Buffer.from(deep)]);
    await rejection(inspect({ "model.safetensors": weights }), "MODEL_CORRUPT", /header of model\.safetensors/);
    await writeTinyModel(directory());
    await truncate(join(directory(), "tokenizer.json"), 2 ** 40);
    await rejection(inspectModel(directory()), "IO_FAILURE", /more than the \d+ that such a file may have/);
  });

  it("says how many bytes of truncated weights are there", async () => {
    const whole = zeroSafetensors(tinyTensors);
    const error = await rejection(
      inspect({ "model.safetensors": whole.subarray(0, -10) }),
      "MODEL_INCOMPLETE",
      /truncated/,
    );
    assert.equal(error.facts["bytes"], whole.length - 10);
    assert.equal(error.facts["neededBytes"], whole.length);
    for (const bytes of [0, 5, 20]) {
      await rejection(
        inspect({ "model.safetensors": whole.subarray(0, bytes) }),
        "MODEL_INCOMPLETE",
        /model\.safetensors/,
      );
    }
  });

  it("misses shards by the index and by their names", async () => {
    const shard = zeroSafetensors(tinyTensors);
    const named = { "model.safetensors": undefined, "model-00001-of-00002.safetensors": shard };
    await rejection(inspect(named), "MODEL_INCOMPLETE", /model-00002-of-00002\.safetensors/);
    const map = Object.fromEntries(Object.keys(tinyTensors).map((name) => [name, "model-00001-of-00002.safetensors"]));
    const index = (more: object) => ({
      "model.safetensors.index.json": JSON.stringify({ weight_map: { ...map, ...more } }),
    });
    const elsewhere = index({ x: "model-00002-of-00002.safetensors" });
    await rejection(inspect({ ...named, ...elsewhere }), "MODEL_INCOMPLETE", /00002-of-00002/);
    await rejection(
      inspect({ ...named, ...index({ x: "model-00001-of-00002.safetensors" }) }),
      "MODEL_INCOMPLETE",
      /tensor x/,
    );
    await rejection(inspect({ ...named, ...index({ x: "../model.safetensors" }) }), "MODEL_CORRUPT", /names no file/);
  });

  it("reads a model of several files", async () => {
    const { "model.norm.weight": norm, ...others } = tinyTensors;
    const files = {
      "model.safetensors": undefined,
      "model-00001-of-00002.safetensors": zeroSafetensors(others),
      "model-00002-of-00002.safetensors": zeroSafetensors({ "model.norm.weight": norm }),
    };
    assert.equal((await inspect(files)).weightBytes, tinyWeightBytes);
  });

  it("calls damage damage", async () => {
    await rejection(inspect({ "config.json": "{" }), "MODEL_CORRUPT", /config\.json is not readable/);
    await rejection(inspect(config({ num_hidden_layers: -1 })), "MODEL_CORRUPT", /num_hidden_layers/);
    const noise = zeroSafetensors(tinyTensors);
    noise.fill(0x7b, 8, 40);
    await rejection(inspect({ "model.safetensors": noise }), "MODEL_CORRUPT", /header of model\.safetensors/);
    const long = zeroSafetensors(tinyTensors);
    long.writeBigUInt64LE(2n ** 60n, 0);
    await rejection(inspect({ "model.safetensors": long }), "MODEL_CORRUPT", /claims a header/);
    const lying = zeroSafetensors(tinyTensors);
    lying.write("9", lying.indexOf("[8,32]") + 1);
    await rejection(inspect({ "model.safetensors": lying }), "MODEL_CORRUPT", /embed_tokens.* described wrongly/);
  });

  it("names what is not supported", async () => {
    await rejection(
      inspect(config({ model_type: "qwen3_moe" })),
      "MODEL_UNSUPPORTED",
      /qwen3_moe is not supported: it needs experts/,
    );
    await rejection(inspect(config({ quantization: { group_size: 64, bits: 7 } })), "MODEL_UNSUPPORTED", /7 bits/);
    await rejection(
      inspect(config({ quantization: { mode: "mxfp1", bits: 4, group_size: 32 } })),
      "MODEL_UNSUPPORTED",
      /mxfp1/,
    );
    await rejection(inspect(config({ quantization_config: { quant_method: "gptq" } })), "MODEL_UNSUPPORTED", /gptq/);
  });

  it("misses a layer that the configuration promises", async () => {
    await rejection(inspect(config({ num_hidden_layers: 3 })), "MODEL_INCOMPLETE", /model\.layers\.2\./);
  });

  it("reads the text of a checkpoint of several parts, and says what it leaves out", async () => {
    const inner = Object.entries(tinyTensors).map(([name, tensor]) => [`language_model.${name}`, tensor]);
    const tensors = {
      ...Object.fromEntries(inner),
      "vision_tower.a.weight": { dtype: "F16", shape: [100] },
      "multi_modal_projector.b.weight": { dtype: "F16", shape: [10] },
      "mtp.c.weight": { dtype: "F16", shape: [5] },
    };
    const detail = await inspect({
      "config.json": JSON.stringify({ model_type: "mistral3", text_config: tinyConfig, eos_token_id: 2 }),
      "model.safetensors": zeroSafetensors(tensors),
    });
    assert.equal(detail.weightBytes, tinyWeightBytes);
    assert.deepEqual(detail.leftOut, [
      { part: "vision", bytes: 220 },
      { part: "prediction", bytes: 10 },
    ]);
  });

  it("names a format that only the shapes tell", async () => {
    const embedding = "model.embed_tokens";
    const tensors = {
      ...tinyTensors,
      [`${embedding}.weight`]: { dtype: "U32", shape: [8, 5] },
      [`${embedding}.scales`]: { dtype: "F16", shape: [8, 1] },
      [`${embedding}.biases`]: { dtype: "F16", shape: [8, 1] },
    };
    assert.equal((await inspect({ "model.safetensors": zeroSafetensors(tensors) })).quantization, "5-bit");
  });

  it("hands over the text files, a template file among them", async () => {
    await writeTinyModel(directory(), { "chat_template.jinja": "{{ bos_token }}" });
    const files = await readTextFiles(directory());
    assert.equal(files.chatTemplate, "{{ bos_token }}");
    assert.equal(files.generationConfig, undefined);
    assert.deepEqual(files.config, tinyConfig);
  });
});
