import assert from "node:assert/strict";
import { mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importGguf } from "../../../../src/models/gguf/importGguf";
import { toMlx } from "../../../../src/models/gguf/mlxGroups";
import { llama3Divisors } from "../../../../src/models/gguf/ropeFactors";
import { inspectModel } from "../../../../src/models/modelDirectory";
import type { Progress } from "../../../../src/protocol/service";
import { rejection, temporaryFolder } from "../../../support/models/folders";
import { buildGguf, f32, type GgufTensorSpec, i32s, text, texts, u32 } from "../../../support/models/ggufBuilder";
import { parseSafetensors } from "../../../support/models/safetensors";
import {
  chatTemplate,
  type TinyOptions,
  tiny,
  tinyGguf,
  tinySpec,
  tinyTensor,
  tokens,
  wide,
} from "../../../support/models/tinyGguf";

describe("The GGUF import", () => {
  const folder = temporaryFolder();
  const target = () => join(folder.path, "models", "Tiny");

  async function importTiny(options: TinyOptions = {}, bytes = tinyGguf(options)) {
    const file = join(folder.path, "tiny.gguf");
    await writeFile(file, bytes);
    return importGguf({ file, target: target() });
  }

  async function readJson(name: string) {
    return JSON.parse(await readFile(join(target(), name), "utf8"));
  }

  async function refused(options: TinyOptions, code: "IMPORT_CORRUPT" | "IMPORT_UNSUPPORTED", what: RegExp) {
    const error = await rejection(importTiny(options), code, what);
    assert.deepEqual(await readdir(join(folder.path, "models")).catch(() => []), []);
    return error;
  }

  it("makes a directory that is a complete model", async () => {
    const result = await importTiny();
    assert.deepEqual(result.directory, target());
    assert.deepEqual((await readdir(target())).sort(), [
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const detail = await inspectModel(target());
    assert.equal(detail.name, "Tiny");
    assert.equal(detail.architecture, "llama");
    assert.equal(detail.quantization, "4-bit, some 8-bit");
    assert.equal(
      detail.weightBytes,
      [...(await tensors()).values()].reduce((sum, { data }) => sum + data.length, 0),
    );
    assert.deepEqual(detail.eosTokens, ["<|im_end|>", "<|endoftext|>"]);
    assert.equal(detail.hasChatTemplate, true);
  });

  async function tensors() {
    return parseSafetensors(await readFile(join(target(), "model.safetensors")));
  }

  it("states the architecture as mlx_lm reads it", async () => {
    await importTiny();
    const config = await readJson("config.json");
    assert.equal(config.model_type, "llama");
    assert.equal(config.hidden_size, tiny.hidden);
    assert.equal(config.head_dim, tiny.headDim);
    assert.equal(config.num_key_value_heads, tiny.kvHeads);
    assert.equal(config.rms_norm_eps, 1e-5);
    assert.equal(config.rope_theta, 100_000);
    assert.equal(config.rope_scaling, null);
    assert.equal(config.tie_word_embeddings, true);
    assert.equal(config.vocab_size, tokens.length);
    assert.deepEqual(config.eos_token_id, [2, 0]);
    assert.deepEqual(config.quantization, {
      group_size: 32,
      bits: 4,
      "model.embed_tokens": { group_size: 32, bits: 8 },
    });
  });

  it("keeps every tensor's bytes, regrouped", async () => {
    await importTiny();
    const spec = tinySpec();
    const stored = await tensors();
    const down = spec.tensors.find(({ name }) => name === "blk.1.ffn_down.weight");
    const groups = toMlx("Q4_1", down?.data ?? Buffer.alloc(0), "F16");
    assert.ok(typeof groups !== "string");
    const module = "model.layers.1.mlp.down_proj";
    assert.deepEqual(stored.get(`${module}.weight`)?.shape, [tiny.hidden, (tiny.intermediate * 4) / 32]);
    assert.deepEqual(stored.get(`${module}.scales`)?.shape, [tiny.hidden, tiny.intermediate / 32]);
    assert.deepEqual(stored.get(`${module}.weight`)?.data, groups.weight);
    assert.deepEqual(stored.get(`${module}.scales`)?.data, groups.scales);
    assert.deepEqual(stored.get(`${module}.biases`)?.data, groups.biases);
    const norm = spec.tensors.find(({ name }) => name === "blk.0.attn_norm.weight");
    assert.deepEqual(stored.get("model.layers.0.input_layernorm.weight")?.data, norm?.data);
    const count = spec.tensors.reduce((sum, { typeId }) => sum + (typeId === 0 ? 1 : 3), 0);
    assert.equal(stored.size, count);
  });

  it("imports what llama-quantize makes: most in Q4_K, some in Q6_K, and says what was rounded", async () => {
    const { rounded } = await importTiny({ sizes: wide, type: "Q4_K", embeddingType: "Q6_K" });
    const stored = await tensors();
    const [q6, ...others] = rounded;
    assert.deepEqual(others, []);
    assert.deepEqual({ ...q6, largestError: 0 }, { type: "Q6_K", bits: 8, tensors: 1, largestError: 0 });
    assert.ok(q6 !== undefined && q6.largestError > 0 && q6.largestError < 0.004, `${q6?.largestError}`);
    // The scales of Q4_K are products, which halves do not hold.
    assert.equal(stored.get("model.layers.0.mlp.down_proj.scales")?.dtype, "F32");
    assert.equal(stored.get("model.embed_tokens.scales")?.dtype, "F16");
    assert.deepEqual((await readJson("config.json")).quantization, {
      group_size: 32,
      bits: 4,
      "model.embed_tokens": { group_size: 32, bits: 8 },
    });
    assert.equal((await inspectModel(target())).quantization, "4-bit, some 8-bit");
  });

  it("says nothing of rounding where every weight keeps its value", async () => {
    for (const type of ["Q4_K", "Q5_K", "Q5_0", "IQ4_XS", "MXFP4"] as const) {
      const file = join(folder.path, "exact.gguf");
      await writeFile(file, tinyGguf({ sizes: wide, type }));
      const { rounded } = await importGguf({ file, target: target(), replace: true });
      assert.deepEqual(rounded, [], type);
    }
  });

  it("names the mode of each tensor where some are MXFP4", async () => {
    await importTiny({ type: "MXFP4" });
    const stored = await tensors();
    assert.deepEqual((await readJson("config.json")).quantization, {
      group_size: 32,
      bits: 4,
      mode: "mxfp4",
      "model.embed_tokens": { group_size: 32, bits: 8, mode: "affine" },
    });
    const module = "model.layers.1.mlp.up_proj";
    assert.equal(stored.get(`${module}.scales`)?.dtype, "U8");
    assert.deepEqual(stored.get(`${module}.scales`)?.shape, [tiny.intermediate, tiny.hidden / 32]);
    assert.equal(stored.has(`${module}.biases`), false);
  });

  it("stores scales as f32 in all tensors where one of them needs it", async () => {
    const large = (data: Buffer) => {
      const changed = Buffer.from(data);
      changed.writeUInt16LE(0x6000, 0); // 512: its bias is −65,536
      return changed;
    };
    await importTiny({
      type: "Q8_0",
      tensors: (own) => own.map((t) => (t.name === "blk.1.ffn_up.weight" ? { ...t, data: large(t.data) } : t)),
    });
    const stored = await tensors();
    for (const [name, { data, shape }] of stored) {
      const elements = shape.reduce((product, size) => product * size, 1);
      if (/\.(scales|biases)$/.test(name)) assert.equal(data.length, elements * 4, name);
    }
    assert.equal(stored.get("model.layers.1.mlp.up_proj.biases")?.data.readFloatLE(0), -65_536);
  });

  it("puts the rows of llama's q and k back in their order, and of no other tensor", async () => {
    await importTiny({ type: "F32", embeddingType: "F32" });
    const spec = tinySpec({ type: "F32", embeddingType: "F32" });
    const stored = await tensors();
    const sourceRows = (name: string) => rows(spec.tensors.find((tensor) => tensor.name === name)?.data);
    const rowBytes = tiny.hidden * 4;
    const rows = (data: Buffer | undefined) =>
      Array.from({ length: (data?.length ?? 0) / rowBytes }, (_, i) =>
        data?.subarray(i * rowBytes, (i + 1) * rowBytes).toString("hex"),
      );
    const storedRows = (name: string) => rows(stored.get(`model.layers.0.self_attn.${name}.weight`)?.data);
    for (const [from, to] of [
      ["attn_q", "q_proj"],
      ["attn_k", "k_proj"],
    ] as const) {
      const source = sourceRows(`blk.0.${from}.weight`);
      // Row j · half + i of a head was stored as row 2 i + j (llama.cpp's permute).
      const expected = source.map((_, row) => {
        const inHead = row % tiny.headDim;
        const half = tiny.headDim / 2;
        return source[row - inHead + 2 * (inHead % half) + Math.floor(inHead / half)];
      });
      assert.deepEqual(storedRows(to), expected);
      assert.notDeepEqual(storedRows(to), source);
    }
    assert.deepEqual(storedRows("v_proj"), sourceRows("blk.0.attn_v.weight"));
  });

  it("keeps the row order, the biases and the norms of qwen", async () => {
    await importTiny({ architecture: "qwen2", type: "F16", embeddingType: "F16" });
    const spec = tinySpec({ architecture: "qwen2", type: "F16", embeddingType: "F16" });
    const stored = await tensors();
    const q = spec.tensors.find(({ name }) => name === "blk.0.attn_q.weight");
    const bias = spec.tensors.find(({ name }) => name === "blk.0.attn_q.bias");
    assert.deepEqual(stored.get("model.layers.0.self_attn.q_proj.weight")?.data, q?.data);
    assert.deepEqual(stored.get("model.layers.0.self_attn.q_proj.bias")?.data, bias?.data);
    const config = await readJson("config.json");
    assert.equal(config.model_type, "qwen2");
    assert.equal(config.quantization, undefined);
  });

  it("imports qwen3 with its head norms and an untied head", async () => {
    await importTiny({ architecture: "qwen3", type: "Q4_0", tied: false });
    const stored = await tensors();
    assert.deepEqual(stored.get("model.layers.1.self_attn.q_norm.weight")?.shape, [tiny.headDim]);
    assert.equal(stored.get("lm_head.weight")?.dtype, "U32");
    const config = await readJson("config.json");
    assert.equal(config.tie_word_embeddings, false);
    assert.equal(config.model_type, "qwen3");
  });

  it("undoes the order of llama's attention biases too", async () => {
    const biases = ["attn_q", "attn_k", "attn_v", "attn_output"];
    const sizes = [tiny.heads * tiny.headDim, tiny.kvHeads * tiny.headDim, tiny.kvHeads * tiny.headDim, tiny.hidden];
    const counting = (size: number) => Buffer.from(Float32Array.from({ length: size }, (_, i) => i).buffer);
    const added = [0, 1].flatMap((layer) =>
      biases.map((name, i) => ({
        ...tinyTensor(`blk.${layer}.${name}.bias`, [sizes[i] ?? 0]),
        data: counting(sizes[i] ?? 0),
      })),
    );
    await importTiny({ tensors: (own) => [...own, ...added] });
    const bias = (await tensors()).get("model.layers.0.self_attn.q_proj.bias")?.data;
    const values = Array.from({ length: tiny.headDim }, (_, i) => bias?.readFloatLE(i * 4));
    assert.deepEqual(values, [0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15]);
    assert.equal((await readJson("config.json")).attention_bias, true);
  });

  it("writes the tokenizer: merges, control and user-defined tokens, template", async () => {
    await importTiny();
    const tokenizer = await readJson("tokenizer.json");
    assert.equal(tokenizer.model.vocab["hello"], tokens.indexOf("hello"));
    assert.deepEqual(
      tokenizer.added_tokens.map((token: { id: number; content: string; special: boolean }) => [
        token.id,
        token.content,
        token.special,
      ]),
      [
        [0, "<|endoftext|>", true],
        [1, "<|im_start|>", true],
        [2, "<|im_end|>", true],
        [3, "<think>", false],
      ],
    );
    const config = await readJson("tokenizer_config.json");
    assert.equal(config.chat_template, chatTemplate);
    assert.equal(config.bos_token, "<|im_start|>");
    assert.equal(config.eos_token, "<|im_end|>");
    assert.equal(config.add_bos_token, false);
  });

  it("lists several ends of an answer", async () => {
    await importTiny({ metadata: { "tokenizer.ggml.eot_token_id": u32(0) } });
    assert.deepEqual((await readJson("config.json")).eos_token_id, [2, 0]);
  });

  it("keeps linear RoPE scaling", async () => {
    await importTiny({ metadata: { "llama.rope.scaling.type": text("linear"), "llama.rope.scaling.factor": f32(4) } });
    assert.deepEqual((await readJson("config.json")).rope_scaling, { rope_type: "linear", type: "linear", factor: 4 });
  });

  it("states Llama 3's RoPE scaling by its parameters", async () => {
    const scaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 };
    const divisors = Float32Array.from(llama3Divisors(scaling, tiny.headDim, 100_000));
    const freqs = { ...tinyTensor("rope_freqs.weight", [tiny.headDim / 2]), data: Buffer.from(divisors.buffer) };
    await importTiny({ tensors: (own) => [...own, freqs] });
    assert.deepEqual((await readJson("config.json")).rope_scaling, {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
    assert.equal(
      [...(await tensors()).keys()].some((name) => name.includes("rope")),
      false,
    );
  });

  it("reports progress in bytes up to the total", async () => {
    const file = join(folder.path, "tiny.gguf");
    await writeFile(file, tinyGguf());
    const seen: Progress[] = [];
    await importGguf({ file, target: target() }, (progress) => seen.push(progress));
    assert.ok(seen.length >= tinySpec().tensors.length);
    for (const [i, { done, total }] of seen.entries()) assert.ok(done > (seen[i - 1]?.done ?? 0) && done <= total);
    assert.equal(seen.at(-1)?.done, seen.at(-1)?.total);
  });

  it("leaves nothing behind when it is cancelled", async () => {
    const file = join(folder.path, "tiny.gguf");
    await writeFile(file, tinyGguf());
    const controller = new AbortController();
    const started = importGguf({ file, target: target() }, () => controller.abort(), controller.signal);
    await rejection(started, "ABORTED", /cancelled/);
    assert.deepEqual(await readdir(join(folder.path, "models")), []);
  });

  it("does not touch a folder that exists, unless asked to replace it", async () => {
    await mkdir(target(), { recursive: true });
    await writeFile(join(target(), "mine.txt"), "precious");
    await rejection(importTiny(), "INVALID_REQUEST", /exists already/);
    assert.deepEqual(await readdir(target()), ["mine.txt"]);
    await importGguf({ file: join(folder.path, "tiny.gguf"), target: target(), replace: true });
    assert.equal((await readdir(target())).includes("mine.txt"), false);
    assert.deepEqual(await readdir(join(folder.path, "models")), ["Tiny"]);
  });

  it("keeps the old folder when its replacement fails", async () => {
    await importTiny();
    const file = join(folder.path, "bad.gguf");
    await writeFile(file, tinyGguf().subarray(0, -5000));
    await rejection(importGguf({ file, target: target(), replace: true }), "IMPORT_CORRUPT", /truncated/);
    assert.equal((await inspectModel(target())).architecture, "llama");
  });

  it("removes what a killed import left behind", async () => {
    const abandoned = join(folder.path, "models", ".Tiny.importing-999999999-00000000");
    await mkdir(abandoned, { recursive: true });
    await importTiny();
    assert.deepEqual(await readdir(join(folder.path, "models")), ["Tiny"]);
  });

  it("refuses before it writes what the disk cannot hold", async () => {
    // A sparse file of terabytes: its feed-forward layers are wide, and no disk in use has that much room left.
    const width = 2 ** 22;
    const hidden = 2 ** 16;
    const wide = tinySpec({
      type: "F32",
      metadata: { "llama.feed_forward_length": u32(width), "llama.embedding_length": u32(hidden) },
    });
    let offset = 0;
    const resized = (length: number) =>
      length === tiny.intermediate ? width : length === tiny.hidden ? hidden : length;
    const tensors = wide.tensors.map(({ name, shape: small }) => {
      const attention = name.includes("attn_q.")
        ? [hidden, hidden]
        : name.includes("attn_output")
          ? [hidden, hidden]
          : undefined;
      const keys = /attn_[kv]\./.test(name) ? [hidden / 2, hidden] : undefined;
      const shape = attention ?? keys ?? small.map(resized);
      const tensor = { name, shape, typeId: 0, data: Buffer.alloc(0), offset: BigInt(offset) };
      offset += shape.reduce((product, length) => product * length, 4);
      return tensor;
    });
    const header = buildGguf({ ...wide, tensors });
    const file = join(folder.path, "wide.gguf");
    await writeFile(file, header);
    await truncate(file, header.length + offset);
    const controller = new AbortController();
    const started = importGguf({ file, target: target() }, () => controller.abort(), controller.signal);
    const error = await rejection(started, "DISK_FULL", /the disk has \d+ left/);
    assert.ok(Number(error.facts["neededBytes"]) > offset);
    assert.deepEqual(await readdir(join(folder.path, "models")), []);
  });

  it("names a file that is not there", async () => {
    const missing = join(folder.path, "no.gguf");
    await rejection(importGguf({ file: missing, target: target() }), "INVALID_REQUEST", /there is no file/);
  });

  it("refuses what it does not know, by name", async () => {
    const unsupported = (options: TinyOptions, what: RegExp) => refused(options, "IMPORT_UNSUPPORTED", what);
    await unsupported({ metadata: { "general.architecture": text("mamba") } }, /architecture mamba/);
    await unsupported({ metadata: { "tokenizer.ggml.model": text("t5") } }, /tokenizer t5/);
    await unsupported({ metadata: { "tokenizer.ggml.pre": text("viking") } }, /pre-tokenizer viking/);
    await unsupported({ metadata: { "tokenizer.ggml.pre": undefined } }, /pre-tokenizer default/);
    const scaled = (type: string) => ({
      "llama.rope.scaling.type": text(type),
      "llama.rope.scaling.factor": f32(4),
      "llama.rope.scaling.original_context_length": u32(64),
    });
    await unsupported({ metadata: scaled("dynamic") }, /dynamic/);
    await unsupported(
      { metadata: { ...scaled("yarn"), "llama.rope.scaling.yarn_ext_factor": f32(0.5) } },
      /ext_factor/,
    );
    await unsupported({ metadata: { "llama.attention.sliding_window": u32(64) } }, /sliding-window/);
    await unsupported({ metadata: { "llama.final_logit_softcapping": f32(30) } }, /caps its logits/);
    await unsupported({ metadata: { "llama.expert_count": u32(8) } }, /mixture of experts/);
    await unsupported({ metadata: { "llama.attention.head_count_kv": i32s([2, 1]) } }, /different numbers of heads/);
    await unsupported({ metadata: { "llama.rope.dimension_count": u32(8) } }, /partial rotary/);
    await unsupported({ tensors: (own) => [...own, tinyTensor("blk.0.ffn_gate_inp.weight", [4, 64])] }, /ffn_gate_inp/);
    await unsupported({ tensors: (own) => [...own, tinyTensor("rope_freqs.weight", [8])] }, /Llama 3/);
  });

  it("names an architecture that it does not know before the types of its tensors, with those that it knows", async () => {
    const iq1 = (own: readonly GgufTensorSpec[]) => own.map((tensor) => ({ ...tensor, typeId: 29 }));
    const other = { "general.architecture": text("gemma4") };
    const error = await refused({ metadata: other, tensors: iq1 }, "IMPORT_UNSUPPORTED", /architecture gemma4/);
    assert.match(error.advice, /llama, mistral3, smollm3, granite, qwen2, qwen3, gemma3, phi3, olmo2, seed_oss/);
    const speech = { "tokenizer.ggml.model": text("t5") };
    await refused({ metadata: speech, tensors: iq1 }, "IMPORT_UNSUPPORTED", /tokenizer t5/);
    await refused({ tensors: iq1 }, "IMPORT_UNSUPPORTED", /IQ1_M/);
  });

  it("keeps yarn RoPE scaling", async () => {
    await importTiny({
      metadata: {
        "llama.rope.scaling.type": text("yarn"),
        "llama.rope.scaling.factor": f32(4),
        "llama.rope.scaling.original_context_length": u32(64),
      },
    });
    assert.deepEqual((await readJson("config.json")).rope_scaling, {
      rope_type: "yarn",
      type: "yarn",
      factor: 4,
      original_max_position_embeddings: 64,
      beta_fast: 32,
      beta_slow: 1,
    });
  });

  it("refuses a wrong number of tensors, one too many and one too few", async () => {
    const spec = tinySpec();
    const count = BigInt(spec.tensors.length);
    const withCount = (tensorCount: bigint) => importTiny({}, buildGguf({ ...spec, tensorCount }));
    await rejection(withCount(count - 1n), "IMPORT_CORRUPT", /blk\.1\.ffn_down\.weight is missing/);
    await rejection(withCount(count + 1n), "IMPORT_CORRUPT", /./);
  });

  it("refuses what contradicts itself", async () => {
    const corrupt = (options: TinyOptions, what: RegExp) => refused(options, "IMPORT_CORRUPT", what);
    await corrupt({ metadata: { "llama.block_count": undefined } }, /llama\.block_count is missing/);
    await corrupt({ metadata: { "llama.block_count": u32(1_000_000) } }, /claims 1000000 layers/);
    await corrupt({ metadata: { "llama.block_count": text("two") } }, /not a whole number/);
    await corrupt({ metadata: { "llama.attention.head_count": u32(3) } }, /do not fit together/);
    await corrupt({ metadata: { "llama.embedding_length": u32(128) } }, /has the shape/);
    await corrupt({ metadata: { "tokenizer.ggml.merges": texts(["x yy"]) } }, /merge 0/);
    await corrupt(
      { metadata: { "tokenizer.ggml.tokens": texts(["a", "a"]), "tokenizer.ggml.token_type": undefined } },
      /same text/,
    );
    await corrupt({ metadata: { "tokenizer.ggml.token_type": i32s([1]) } }, /the list token_type has 1/);
    await corrupt(
      { tensors: (own) => own.filter(({ name }) => name !== "blk.1.attn_k.weight") },
      /blk\.1\.attn_k\.weight is missing/,
    );
    const notFinite = (data: Buffer) => Buffer.from(data).fill(0xff, 0, 2);
    await corrupt(
      { tensors: (own) => own.map((t) => (t.name === "blk.0.ffn_up.weight" ? { ...t, data: notFinite(t.data) } : t)) },
      /blk\.0\.ffn_up\.weight has scales that are not finite/,
    );
  });
});
