import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { importGguf } from "../../src/models/gguf/importGguf";
import { readTextFiles } from "../../src/models/modelDirectory";
import { createTextModel } from "../../src/text/textModel";
import { temporaryFolder } from "../support/models/folders";
import { f32, flags, type GgufTensorSpec, text, u32 } from "../support/models/ggufBuilder";
import { type TinyOptions, tiny, tinyGguf, tinyTensor } from "../support/models/tinyGguf";
import { Random } from "../support/random";
import { askLlamaCpp, askMlxLm } from "./programs";

const sizes = { ...tiny, layers: 4 };
const texts = [
  "hello, who are you?",
  "0123456789 abc",
  "the quick brown fox jumps over the lazy dog",
  "a",
  "xyz. hello",
];
/** Of two best logits: both programs sum f32 in other orders, and llama.cpp keeps K and V as halves. */
const leastGap = 0.01;

/** Weights of a size that keeps every layer's part visible; norms around 1. */
function realistic(tensors: readonly GgufTensorSpec[]): readonly GgufTensorSpec[] {
  const random = new Random(17);
  return tensors.map((tensor) => {
    if (tensor.name.startsWith("rope_")) return tensor;
    const isNorm = tensor.name.includes("norm");
    const values = Float32Array.from({ length: tensor.data.length / 4 }, () =>
      isNorm ? 0.7 + 0.6 * random.next() : random.next() - 0.5,
    );
    return { ...tensor, data: Buffer.from(values.buffer) };
  });
}

const divisors = (name: string, count: number, of: (i: number) => number): GgufTensorSpec => ({
  ...tinyTensor(name, [count]),
  data: Buffer.from(Float32Array.from({ length: count }, (_, i) => of(i)).buffer),
});
const yarn = (architecture: string) => ({
  [`${architecture}.rope.scaling.type`]: text("yarn"),
  [`${architecture}.rope.scaling.factor`]: f32(4),
  [`${architecture}.rope.scaling.original_context_length`]: u32(32),
});

const cases: Readonly<Record<string, TinyOptions>> = {
  llama: {},
  "llama with yarn": { metadata: yarn("llama") },
  mistral3: { architecture: "mistral3" },
  "mistral3 with a temperature": {
    architecture: "mistral3",
    metadata: {
      ...yarn("mistral3"),
      "mistral3.rope.scaling.original_context_length": u32(8),
      "mistral3.rope.scaling.yarn_log_multiplier": f32(1),
      "mistral3.attention.temperature_scale": f32(0.5),
    },
  },
  smollm3: { architecture: "smollm3" },
  granite: {
    architecture: "granite",
    metadata: {
      "granite.attention.scale": f32(0.2),
      "granite.embedding_scale": f32(1.5),
      "granite.residual_scale": f32(0.4),
      "granite.logit_scale": f32(2),
    },
  },
  qwen2: { architecture: "qwen2" },
  qwen3: { architecture: "qwen3" },
  gemma3: {
    architecture: "gemma3",
    metadata: {
      "gemma3.attention.sliding_window": u32(8),
      // mlx_lm looks for a layer without a window.
      "gemma3.attention.sliding_window_pattern": flags([true, false, true, false]),
    },
  },
  phi3: {
    architecture: "phi3",
    metadata: {
      "phi3.rope.dimension_count": u32(12),
      "phi3.rope.scaling.original_context_length": u32(64),
      "phi3.rope.scaling.attn_factor": f32(Math.sqrt(1 + Math.log(4) / Math.log(64))),
    },
    tensors: (own) => [
      ...own,
      divisors("rope_factors_long.weight", 6, (i) => 1 + i),
      divisors("rope_factors_short.weight", 6, (i) => 1 + i / 10),
    ],
  },
  olmo2: { architecture: "olmo2" },
  "olmo2 with windows": { architecture: "olmo2", metadata: { "olmo2.attention.sliding_window": u32(8) } },
  seed_oss: { architecture: "seed_oss" },
};

describe("Tiny GGUF files of every family", () => {
  const folder = temporaryFolder();

  for (const [name, options] of Object.entries(cases)) {
    it(`${name}: llama.cpp with the file and mlx_lm with the imported folder choose the same tokens`, async () => {
      const [file, target] = [path.join(folder.path, "tiny.gguf"), path.join(folder.path, "Tiny")];
      await mkdir(folder.path, { recursive: true });
      const tensors = (own: readonly GgufTensorSpec[]) => realistic(options.tensors?.(own) ?? own);
      const bytes = tinyGguf({ ...options, sizes, type: "F32", embeddingType: "F32", tied: false, tensors });
      await writeFile(file, bytes);
      await importGguf({ file, target, replace: true });
      const { tokenizer } = createTextModel(await readTextFiles(target));
      const prompts = texts.map((own) => ({ name: own, kind: "raw" as const, text: own, maxTokens: 24 }));
      const reference = await askMlxLm(target, prompts);
      const llama = await askLlamaCpp(
        file,
        prompts.map((prompt) => ({ ...prompt, promptIds: [...tokenizer.encodeText(prompt.text)] })),
      );
      let compared = 0;
      for (const { name: prompt, tokenIds, gaps } of reference.answers) {
        const theirs = llama.answers.find((own) => own.name === prompt) ?? assert.fail(prompt);
        const close = gaps.findIndex((gap) => gap < leastGap);
        const length = close === -1 ? tokenIds.length : close;
        const parting = tokenIds.slice(0, length).findIndex((id, i) => id !== theirs.tokenIds[i]);
        assert.equal(parting, -1, `${prompt}: token ${parting} is another one, at a gap of ${gaps[parting]}`);
        compared += length;
      }
      assert.ok(compared >= 12, `only ${compared} tokens could be compared`);
    });
  }
});
