import { isObject, type JsonObject } from "../text/json";
import type { ConfigReader } from "./configReader";

interface Format {
  readonly mode: string;
  readonly bits: number;
}

interface ModeRules {
  readonly bits: readonly number[];
  readonly groups: readonly number[];
}

/** What MLX has of each mode (native/src/core/quantization.cc). */
const modes: ReadonlyMap<string, ModeRules> = new Map([
  ["affine", { bits: [2, 3, 4, 5, 6, 8], groups: [32, 64, 128] }],
  ["mxfp4", { bits: [4], groups: [32] }],
  ["mxfp8", { bits: [8], groups: [32] }],
  ["nvfp4", { bits: [4], groups: [16] }],
]);
/** Methods of other programs whose files are as MLX's. */
const methods: readonly string[] = ["mxfp4", "mxfp8"];

/**
 * How config.json says that the weights are quantised: "4-bit", "mxfp4, some 8-bit", undefined where they are not.
 * `config`: what describes the decoder, which may be a part of `outer`. Refuses what is not computed.
 */
export function quantizationName(outer: ConfigReader, config: ConfigReader): string | undefined {
  const quantization =
    outer.object("quantization") ??
    outer.object("quantization_config") ??
    config.object("quantization") ??
    config.object("quantization_config");
  if (quantization === undefined) return undefined;
  const method = quantization["quant_method"];
  if (typeof method === "string" && !methods.includes(method)) throw config.unsupported(`quant_method ${method}`);
  const general =
    typeof method === "string" ? { mode: method, bits: 0 } : readFormat(quantization, "quantization", config);
  const others = new Set<string>();
  for (const [module, value] of Object.entries(quantization)) {
    if (!isObject(value)) continue;
    const name = nameOf(readFormat(value, `quantization of ${module}`, config));
    if (name !== nameOf(general)) others.add(name);
  }
  return others.size === 0 ? nameOf(general) : `${nameOf(general)}, some ${[...others].sort().join(" and ")}`;
}

function readFormat(value: JsonObject, where: string, config: ConfigReader): Format {
  const mode = typeof value["mode"] === "string" ? value["mode"] : "affine";
  const { bits, group_size: group } = value;
  const rules = modes.get(mode);
  if (rules === undefined) throw config.unsupported(`${where} mode ${mode}`);
  if (!isCount(bits)) throw config.corrupt("bits");
  if (!isCount(group)) throw config.corrupt("group_size");
  if (!rules.bits.includes(bits)) throw config.unsupported(`${where} with ${bits} bits`);
  if (!rules.groups.includes(group)) throw config.unsupported(`${where} with groups of ${group}`);
  return { mode, bits };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

const nameOf = ({ mode, bits }: Format): string => (mode === "affine" ? `${bits}-bit` : mode);
