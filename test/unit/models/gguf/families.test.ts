import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importGguf } from "../../../../src/models/gguf/importGguf";
import { temporaryFolder } from "../../../support/models/folders";
import { f32, flag, flags, text, u32 } from "../../../support/models/ggufBuilder";
import { parseSafetensors } from "../../../support/models/safetensors";
import { type TinyOptions, tiny, tinyGguf, tinySpec, tinyTensor } from "../../../support/models/tinyGguf";

describe("Each family of GGUF files", () => {
  const folder = temporaryFolder();

  async function imported(options: TinyOptions) {
    const [file, target] = [join(folder.path, "tiny.gguf"), join(folder.path, "Tiny")];
    await writeFile(file, tinyGguf(options));
    await importGguf({ file, target, replace: true });
    const config: Record<string, unknown> = JSON.parse(await readFile(join(target, "config.json"), "utf8"));
    return { config, tensors: parseSafetensors(await readFile(join(target, "model.safetensors"))) };
  }

  const source = (options: TinyOptions, name: string) =>
    tinySpec(options).tensors.find((tensor) => tensor.name === name)?.data ?? Buffer.alloc(0);
  const floats = (data: Buffer | undefined) =>
    Array.from({ length: (data?.length ?? 0) / 4 }, (_, i) => data?.readFloatLE(i * 4) ?? Number.NaN);
  const layerNames = (tensors: ReadonlyMap<string, unknown>) =>
    [...tensors.keys()]
      .filter((name) => name.startsWith("model.layers.1."))
      .map((name) => name.slice("model.layers.1.".length))
      .sort();

  const linears = [
    "mlp.down_proj.weight",
    "mlp.gate_proj.weight",
    "mlp.up_proj.weight",
    "self_attn.k_proj.weight",
    "self_attn.o_proj.weight",
    "self_attn.q_proj.weight",
    "self_attn.v_proj.weight",
  ];
  const plain = { type: "F32", embeddingType: "F32" } as const;

  for (const [architecture, modelType] of [
    ["mistral3", "mistral"],
    ["smollm3", "smollm3"],
    ["granite", "granite"],
  ] as const) {
    it(`${architecture}: Llama's tensors, its q and k in their own order again`, async () => {
      const options = { ...plain, architecture };
      const { config, tensors } = await imported(options);
      assert.equal(config["model_type"], modelType);
      assert.deepEqual(
        layerNames(tensors),
        [...linears, "input_layernorm.weight", "post_attention_layernorm.weight"].sort(),
      );
      const rowBytes = tiny.hidden * 4;
      const stored = tensors.get("model.layers.0.self_attn.k_proj.weight")?.data;
      const own = source(options, "blk.0.attn_k.weight");
      // Row 1 of a head stood at place 2.
      assert.deepEqual(stored?.subarray(rowBytes, 2 * rowBytes), own.subarray(2 * rowBytes, 3 * rowBytes));
    });
  }

  it("smollm3: every fourth layer has no rotation", async () => {
    const { config } = await imported({ ...plain, architecture: "smollm3" });
    assert.equal(config["no_rope_layer_interval"], 4);
  });

  it("granite: its multipliers", async () => {
    const { config } = await imported({
      ...plain,
      architecture: "granite",
      metadata: {
        "granite.attention.scale": f32(0.015625),
        "granite.embedding_scale": f32(12),
        "granite.residual_scale": f32(0.22),
        "granite.logit_scale": f32(8),
      },
    });
    assert.equal(config["attention_multiplier"], 0.015625);
    assert.equal(config["embedding_multiplier"], 12);
    assert.equal(config["residual_multiplier"], 0.22);
    assert.equal(config["logits_scaling"], 8);
  });

  it("granite without rotary positions is refused", async () => {
    const metadata = { "granite.rope.scaling.finetuned": flag(false) };
    await assert.rejects(imported({ ...plain, architecture: "granite", metadata }), { code: "IMPORT_UNSUPPORTED" });
  });

  it("mistral3 with a temperature is Ministral 3", async () => {
    const { config } = await imported({
      ...plain,
      architecture: "mistral3",
      metadata: {
        "mistral3.attention.temperature_scale": f32(0.1),
        "mistral3.rope.scaling.type": text("yarn"),
        "mistral3.rope.scaling.factor": f32(16),
        "mistral3.rope.scaling.original_context_length": u32(64),
        "mistral3.rope.scaling.yarn_log_multiplier": f32(1),
      },
    });
    assert.equal(config["model_type"], "ministral3");
    assert.deepEqual(config["rope_parameters"], {
      rope_type: "yarn",
      type: "yarn",
      rope_theta: 100_000,
      factor: 16,
      original_max_position_embeddings: 64,
      beta_fast: 32,
      beta_slow: 1,
      mscale: 1,
      mscale_all_dim: 1,
      llama_4_scaling_beta: 0.1,
    });
  });

  it("gemma3: four norms a layer, of which 1 is taken, in f32 whatever they were", async () => {
    const metadata = { "gemma3.attention.sliding_window": u32(32) };
    const options = { ...plain, architecture: "gemma3", metadata } as const;
    const { config, tensors } = await imported(options);
    assert.deepEqual(
      layerNames(tensors),
      [
        ...linears,
        "input_layernorm.weight",
        "post_attention_layernorm.weight",
        "post_feedforward_layernorm.weight",
        "pre_feedforward_layernorm.weight",
        "self_attn.k_norm.weight",
        "self_attn.q_norm.weight",
      ].sort(),
    );
    for (const [from, to] of [
      ["blk.1.ffn_norm", "model.layers.1.pre_feedforward_layernorm"],
      ["blk.1.attn_q_norm", "model.layers.1.self_attn.q_norm"],
      ["output_norm", "model.norm"],
    ] as const) {
      const expected = floats(source(options, `${from}.weight`)).map((value) => Math.fround(value - 1));
      assert.deepEqual(floats(tensors.get(`${to}.weight`)?.data), expected, from);
    }
    const halfNorms = (own: ReturnType<typeof tinySpec>["tensors"]) =>
      own.map((tensor) =>
        tensor.name === "output_norm.weight" ? tinyTensor(tensor.name, tensor.shape, "F16") : tensor,
      );
    const half = (await imported({ ...options, tensors: halfNorms })).tensors.get("model.norm.weight");
    assert.equal(half?.dtype, "F32");
    assert.equal(half?.data.length, tiny.hidden * 4);
    const query = tensors.get("model.layers.0.self_attn.q_proj.weight")?.data;
    assert.deepEqual(query, source(options, "blk.0.attn_q.weight"));
    assert.equal(config["model_type"], "gemma3_text");
    assert.equal(config["sliding_window"], 32);
    assert.equal(config["sliding_window_pattern"], 6);
    assert.equal(config["rope_local_base_freq"], 10_000);
    assert.equal(config["query_pre_attn_scalar"], tiny.headDim);
    assert.equal(config["hidden_activation"], "gelu_pytorch_tanh");
  });

  it("gemma3 without a window attends everywhere; layers out of step are listed", async () => {
    const without = await imported({ ...plain, architecture: "gemma3" });
    assert.equal(without.config["sliding_window_pattern"], 1);
    const pattern = (value: readonly boolean[]) => ({
      "gemma3.attention.sliding_window": u32(32),
      "gemma3.attention.sliding_window_pattern": flags(value),
    });
    const odd = await imported({ ...plain, architecture: "gemma3", metadata: pattern([false, true]) });
    assert.deepEqual(odd.config["layer_types"], ["full_attention", "sliding_attention"]);
    const even = await imported({ ...plain, architecture: "gemma3", metadata: pattern([true, false]) });
    assert.equal(even.config["sliding_window_pattern"], 2);
  });

  it("phi3: fused matrices, a part of each head rotated, longrope's factors", async () => {
    const rotated = 12;
    const factors = (from: number) =>
      Buffer.from(Float32Array.from({ length: rotated / 2 }, (_, i) => from + i / 8).buffer);
    const tables = ["long", "short"].map((name, i) => ({
      ...tinyTensor(`rope_factors_${name}.weight`, [rotated / 2]),
      data: factors(1 + i),
    }));
    const magnitude = Math.sqrt(1 + Math.log(4) / Math.log(64));
    const metadata = {
      "phi3.rope.dimension_count": u32(rotated),
      "phi3.rope.scaling.original_context_length": u32(64),
      "phi3.rope.scaling.attn_factor": f32(magnitude),
      "phi3.attention.sliding_window": u32(100),
    };
    const { config, tensors } = await imported({
      ...plain,
      architecture: "phi3",
      metadata,
      tensors: (own) => [...own, ...tables],
    });
    assert.deepEqual(layerNames(tensors), [
      "input_layernorm.weight",
      "mlp.down_proj.weight",
      "mlp.gate_up_proj.weight",
      "post_attention_layernorm.weight",
      "self_attn.o_proj.weight",
      "self_attn.qkv_proj.weight",
    ]);
    assert.equal(config["partial_rotary_factor"], 0.75);
    assert.equal(config["original_max_position_embeddings"], 64);
    assert.deepEqual(config["rope_scaling"], {
      rope_type: "longrope",
      type: "longrope",
      long_factor: [1, 1.125, 1.25, 1.375, 1.5, 1.625],
      short_factor: [2, 2.125, 2.25, 2.375, 2.5, 2.625],
    });
    const other = { ...metadata, "phi3.rope.scaling.attn_factor": f32(1.5) };
    await assert.rejects(
      imported({ ...plain, architecture: "phi3", metadata: other, tensors: (own) => [...own, ...tables] }),
      { code: "IMPORT_UNSUPPORTED" },
    );
    const half = { ...plain, architecture: "phi3" as const, metadata };
    await assert.rejects(imported({ ...half, tensors: (own) => [...own, ...tables.slice(0, 1)] }), /short.*is missing/);
  });

  it("olmo2: norms behind the layers and over whole projections; with windows it is Olmo 3", async () => {
    const { config, tensors } = await imported({ ...plain, architecture: "olmo2" });
    assert.deepEqual(
      layerNames(tensors),
      [
        ...linears,
        "post_attention_layernorm.weight",
        "post_feedforward_layernorm.weight",
        "self_attn.k_norm.weight",
        "self_attn.q_norm.weight",
      ].sort(),
    );
    assert.equal(config["model_type"], "olmo2");
    assert.deepEqual(tensors.get("model.layers.0.self_attn.k_norm.weight")?.shape, [tiny.kvHeads * tiny.headDim]);
    const metadata = { "olmo2.attention.sliding_window": u32(32) };
    const olmo3 = await imported({ ...plain, architecture: "olmo2", metadata });
    assert.equal(olmo3.config["model_type"], "olmo3");
    assert.equal(olmo3.config["sliding_window"], 32);
    assert.deepEqual(olmo3.config["layer_types"], ["sliding_attention", "sliding_attention"]);
  });

  it("seed_oss: biases on q, k and v, and on the output only where it has them", async () => {
    const options = { ...plain, architecture: "seed_oss" } as const;
    const { config, tensors } = await imported(options);
    assert.equal(config["attention_bias"], true);
    assert.equal(config["attention_out_bias"], false);
    assert.ok(tensors.has("model.layers.1.self_attn.v_proj.bias"));
    const norm = tensors.get("model.layers.1.post_attention_layernorm.weight")?.data;
    assert.deepEqual(norm, source(options, "blk.1.post_attention_norm.weight"));
    const output = [0, 1].map((layer) => tinyTensor(`blk.${layer}.attn_output.bias`, [tiny.hidden]));
    const all = await imported({ ...options, tensors: (own) => [...own, ...output] });
    assert.equal(all.config["attention_out_bias"], true);
  });

  it("refuses biases that a family does not have", async () => {
    const bias = (own: ReturnType<typeof tinySpec>["tensors"]) => [
      ...own,
      tinyTensor("blk.0.attn_q.bias", [tiny.heads * tiny.headDim]),
    ];
    await assert.rejects(
      imported({ ...plain, architecture: "gemma3", tensors: bias }),
      /blk\.0\.attn_q\.bias is not known/,
    );
    await assert.rejects(imported({ ...plain, architecture: "granite", tensors: bias }), /but not on the output/);
  });
});
