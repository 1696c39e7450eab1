import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { seeded } from "./benchText";

/** One layer with one small head: reading 120,000 tokens takes seconds, not hours. */
const sizes = { hidden: 32, inner: 32, heads: 1, headDim: 32 } as const;

/**
 * Writes a model of random weights with a context of `contextTokens` and the tokenizer and template of the model in `from`:
 * everything around the device works as with a real one.
 */
export async function writeLongContextModel(
  directory: string,
  from: string,
  { contextTokens, vocabSize }: { readonly contextTokens: number; readonly vocabSize: number },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const texts = (await readdir(from)).filter((name) => /^(tokenizer.*\.json|chat_template\.jinja)$/.test(name));
  for (const name of texts) await copyFile(path.join(from, name), path.join(directory, name));
  await writeFile(path.join(directory, "config.json"), JSON.stringify(configOf(contextTokens, vocabSize)));
  await writeFile(path.join(directory, "model.safetensors"), weights(vocabSize));
}

function configOf(contextTokens: number, vocabSize: number) {
  return {
    model_type: "llama",
    hidden_size: sizes.hidden,
    intermediate_size: sizes.inner,
    num_hidden_layers: 1,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.heads,
    head_dim: sizes.headDim,
    vocab_size: vocabSize,
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    max_position_embeddings: contextTokens,
    tie_word_embeddings: true,
  };
}

/** A safetensors file: header length, header, data. */
function weights(vocabSize: number): Buffer {
  const { hidden, inner, heads, headDim } = sizes;
  const random = seeded(1);
  const header: Record<string, unknown> = {};
  const data: Buffer[] = [];
  let bytes = 0;
  const add = (name: string, shape: readonly number[], value: () => number) => {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, value);
    header[`model.${name}.weight`] = { dtype: "F32", shape, data_offsets: [bytes, bytes + values.byteLength] };
    data.push(Buffer.from(values.buffer));
    bytes += values.byteLength;
  };
  const around0 = () => random() - 0.5;
  const layer = "layers.0";
  add("embed_tokens", [vocabSize, hidden], around0);
  for (const norm of [`${layer}.input_layernorm`, `${layer}.post_attention_layernorm`, "norm"]) {
    add(norm, [hidden], () => 1);
  }
  for (const part of ["q_proj", "k_proj", "v_proj"]) {
    add(`${layer}.self_attn.${part}`, [heads * headDim, hidden], around0);
  }
  add(`${layer}.self_attn.o_proj`, [hidden, heads * headDim], around0);
  for (const part of ["gate_proj", "up_proj"]) add(`${layer}.mlp.${part}`, [inner, hidden], around0);
  add(`${layer}.mlp.down_proj`, [hidden, inner], around0);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...data]);
}
