import type { ConfigReader } from "./configReader";
import type { FamilyRules } from "./families";

interface Limits {
  readonly contextTokens: number;
  /** As ModelFacts.windows. */
  readonly windows: readonly number[];
}

/**
 * Which layers see a window, as config.json lists it or the family has it. Where all layers see one, the context ends
 * with it: up to there the model computes the same as without.
 */
export function readWindows(
  config: ConfigReader,
  rules: FamilyRules,
  numLayers: number,
  contextTokens: number,
): Limits {
  const windowed = windowedLayers(config, rules, numLayers);
  const tokens = config.optionalCount("sliding_window") ?? rules.window?.tokens;
  if (tokens === undefined || !windowed.includes(true)) return { contextTokens, windows: [] };
  if (!windowed.includes(false)) return { contextTokens: Math.min(contextTokens, tokens), windows: [] };
  return { contextTokens, windows: windowed.map((has) => (has ? tokens : 0)) };
}

function windowedLayers(config: ConfigReader, rules: FamilyRules, numLayers: number): readonly boolean[] {
  const listed = readLayerTypes(config, numLayers);
  if (listed !== undefined) return listed;
  if (rules.window === undefined) {
    const isUsed = config.flag("use_sliding_window", rules.windowsByDefault ?? false);
    return Array.from({ length: numLayers }, () => isUsed);
  }
  const pattern =
    config.optionalCount("sliding_window_pattern") ??
    config.optionalCount("_sliding_window_pattern") ??
    rules.window.pattern;
  return Array.from({ length: numLayers }, (_, layer) => (layer + 1) % pattern !== 0);
}

function readLayerTypes(config: ConfigReader, numLayers: number): readonly boolean[] | undefined {
  const types = config.list("layer_types");
  if (types === undefined || types.length === 0) return undefined;
  for (const type of types) {
    if (type !== "full_attention" && type !== "sliding_attention") {
      throw config.unsupported(`layer type ${String(type)}`);
    }
  }
  if (types.length !== numLayers) throw config.corrupt("layer_types");
  return types.map((type) => type === "sliding_attention");
}
