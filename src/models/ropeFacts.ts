import type { ConfigReader } from "./configReader";

const ropeTypes: readonly string[] = ["default", "linear", "llama3", "yarn"];

/** Checks the kind of RoPE. `contextTokens`: what its scaling extends the context to, 0 where it says nothing. */
export function readRope(config: ConfigReader): { readonly contextTokens: number } {
  const parameters = config.inner("rope_parameters");
  const scaling = config.inner("rope_scaling") ?? parameters?.inner("full_attention") ?? parameters;
  if (scaling === undefined) return { contextTokens: 0 };
  if ((scaling.number("partial_rotary_factor") ?? 1) !== 1) throw config.unsupported("partial_rotary_factor");
  const type = scaling.text("type") ?? scaling.text("rope_type") ?? "default";
  if (!ropeTypes.includes(type)) throw config.unsupported(`rope_scaling type ${type}`);
  if (type === "default") return { contextTokens: 0 };
  const factor = scaling.number("factor");
  if (factor === undefined || !(factor > 0)) throw config.corrupt("factor of rope_scaling");
  if (type !== "yarn") return { contextTokens: 0 };
  const original = scaling.count("original_max_position_embeddings", 4096);
  return { contextTokens: Math.floor(Math.min(original * factor, 2 ** 30)) };
}
