import type { ConfigReader } from "./configReader";
import type { FamilyRules, ModelFamily } from "./families";

interface Shape {
  readonly family: ModelFamily;
  readonly numLayers: number;
  readonly contextTokens: number;
}

interface Limits {
  readonly contextTokens: number;
  readonly windows: readonly number[];
}

/**
 * Which layers see a window, as config.json lists it or the family has it. Where all layers see one, the context ends
 * with it: up to there the model computes the same as without.
 */
export function readWindows(config: ConfigReader, rules: FamilyRules, shape: Shape): Limits {
  const { contextTokens, numLayers } = shape;
  const listed = readLayerTypes(config, shape);
  const tokens = config.optionalCount("sliding_window") ?? rules.window?.tokens;
  if (rules.window !== undefined && tokens !== undefined) {
    const pattern =
      config.optionalCount("sliding_window_pattern") ??
      config.optionalCount("_sliding_window_pattern") ??
      rules.window.pattern;
    const windowed = listed ?? Array.from({ length: numLayers }, (_, layer) => (layer + 1) % pattern !== 0);
    return { contextTokens, windows: windowed.map((has) => (has ? tokens : 0)) };
  }
  if (listed?.includes(true)) throw config.unsupported("layer type sliding_attention");
  const isUsed = listed === undefined && config.flag("use_sliding_window", shape.family === "mistral");
  if (isUsed && tokens !== undefined && tokens < contextTokens) {
    throw config.unsupported(`sliding_window of ${tokens} tokens`);
  }
  return { contextTokens, windows: [] };
}

function readLayerTypes(config: ConfigReader, { numLayers }: Shape): readonly boolean[] | undefined {
  const types = config.list("layer_types");
  if (types === undefined) return undefined;
  for (const type of types) {
    if (type !== "full_attention" && type !== "sliding_attention") {
      throw config.unsupported(`layer type ${String(type)}`);
    }
  }
  if (types.length !== numLayers) throw config.corrupt("layer_types");
  return types.map((type) => type === "sliding_attention");
}
