import type { ConfigReader } from "./configReader";

/** Kinds of RoPE, and whether they need a factor. */
const ropeTypes: ReadonlyMap<string, boolean> = new Map([
  ["default", false],
  ["mrope", false],
  ["proportional", false],
  ["longrope", false],
  ["su", false],
  ["linear", true],
  ["dynamic", true],
  ["llama3", true],
  ["yarn", true],
]);

/** Checks the kind of RoPE. `contextTokens`: what its scaling extends the context to, 0 where it says nothing. */
export function readRope(config: ConfigReader): { readonly contextTokens: number } {
  const parameters = config.inner("rope_parameters");
  const scaling = config.inner("rope_scaling") ?? parameters?.inner("full_attention") ?? parameters;
  const rotatedPart = scaling?.number("partial_rotary_factor") ?? config.number("partial_rotary_factor") ?? 1;
  if (!(rotatedPart > 0 && rotatedPart <= 1)) throw config.corrupt("partial_rotary_factor");
  if (scaling === undefined) return { contextTokens: 0 };
  const type = scaling.text("type") ?? scaling.text("rope_type") ?? "default";
  const needsFactor = ropeTypes.get(type);
  if (needsFactor === undefined) throw config.unsupported(`rope_scaling type ${type}`);
  const factor = scaling.number("factor");
  if (needsFactor && !(factor !== undefined && factor > 0)) throw config.corrupt("factor of rope_scaling");
  if ((type === "longrope" || type === "su") && scaling.list("long_factor") === undefined) {
    throw config.corrupt("long_factor of rope_scaling");
  }
  if (type !== "yarn" || factor === undefined) return { contextTokens: 0 };
  const original = scaling.count("original_max_position_embeddings", 4096);
  return { contextTokens: Math.floor(Math.min(original * factor, 2 ** 30)) };
}
