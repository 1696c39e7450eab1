import type { GgufTensor } from "./ggufFile";
import type { Hyperparameters } from "./hyperparameters";
import { corrupt } from "./importErrors";
import { type Metadata, shortestDecimal } from "./metadata";
import type { RopeTables } from "./modelConfig";
import { llama3ScalingOf, longropeOf } from "./ropeFactors";
import type { TensorPlan } from "./tensorPlan";

/** Reads the tensors that state how RoPE's frequencies are divided. */
export async function readRopeTables(
  { ropeDivisors }: TensorPlan,
  { family, ropeDim, ropeTheta, contextTokens }: Hyperparameters,
  metadata: Metadata,
): Promise<RopeTables | undefined> {
  const llama3 = ropeDivisors.get("rope_freqs.weight");
  if (llama3 !== undefined)
    return { type: "llama3", scaling: llama3ScalingOf(await readDivisors(llama3), ropeDim, ropeTheta) };
  const long = ropeDivisors.get("rope_factors_long.weight");
  const short = ropeDivisors.get("rope_factors_short.weight");
  if (long === undefined || short === undefined) return undefined;
  const prefix = `${family.architecture}.rope.scaling.`;
  const factors = {
    longFactors: [...(await readDivisors(long))].map(shortestDecimal),
    shortFactors: [...(await readDivisors(short))].map(shortestDecimal),
    originalContextTokens: metadata.integer(`${prefix}original_context_length`) ?? contextTokens,
  };
  return { type: "longrope", factors: longropeOf(factors, contextTokens, metadata.number(`${prefix}attn_factor`)) };
}

async function readDivisors({ name, file, position, bytes }: GgufTensor): Promise<Float32Array> {
  const buffer = Buffer.alloc(bytes);
  const read = await file.read(buffer, position);
  if (read < bytes) throw corrupt(`the file ended inside the tensor ${name}`, { tensor: name });
  return Float32Array.from({ length: bytes / 4 }, (_, i) => buffer.readFloatLE(i * 4));
}
