import { corrupt, unsupported } from "./importErrors";
import { type Metadata, shortestDecimal } from "./metadata";

/** How positions beyond the trained ones are rotated, as the metadata says. */
export type RopeScaling =
  | { readonly type: "none" }
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly originalContextTokens: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** 0: the usual magnitude. */
      readonly mscaleAllDim: number;
    }
  /** Its factors are tensors: see `longropeOf`. */
  | { readonly type: "longrope" };

export function readRopeScaling(metadata: Metadata, prefix: string): RopeScaling {
  const type = metadata.string(`${prefix}rope.scaling.type`) ?? "none";
  const factor = metadata.number(`${prefix}rope.scaling.factor`) ?? metadata.number(`${prefix}rope.scale_linear`) ?? 1;
  if (type === "longrope") return { type };
  if (type === "none" || (type !== "linear" && factor === 1)) return { type: "none" };
  if (type !== "linear" && type !== "yarn") {
    throw unsupported(
      `the RoPE scaling ${type} is not supported`,
      type,
      "use a file without RoPE scaling, or with linear, yarn or longrope",
    );
  }
  if (factor < 1) throw corrupt(`the RoPE scaling factor is ${factor}`, { factor });
  if (type === "linear") return factor === 1 ? { type: "none" } : { type, factor: shortestDecimal(factor) };
  const number = (key: string, usual: number) =>
    shortestDecimal(metadata.number(`${prefix}rope.scaling.${key}`) ?? usual);
  for (const [key, usual] of [
    ["yarn_ext_factor", 1],
    ["yarn_attn_factor", 1],
    ["attn_factor", 1],
  ] as const) {
    if (number(key, usual) !== usual)
      throw unsupported(`the RoPE scaling has the ${key} ${number(key, usual)}`, key, "use another model");
  }
  const original = metadata.integer(`${prefix}rope.scaling.original_context_length`);
  if (original === undefined || original < 1)
    throw corrupt(`the metadata entry ${prefix}rope.scaling.original_context_length is missing`);
  return {
    type,
    factor: shortestDecimal(factor),
    originalContextTokens: original,
    betaFast: number("yarn_beta_fast", 32),
    betaSlow: number("yarn_beta_slow", 1),
    mscaleAllDim: number("yarn_log_multiplier", 0),
  };
}
