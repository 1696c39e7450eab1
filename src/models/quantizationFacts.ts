import { isObject, type JsonObject } from "../text/json";
import type { ConfigReader } from "./configReader";

interface Format {
  readonly mode: string;
  readonly bits: unknown;
}

const affineBits: readonly unknown[] = [4, 8];
const affineGroups: readonly unknown[] = [32, 64, 128];

/**
 * How config.json says that the weights are quantised: "4-bit", "4-bit, some 8-bit", undefined where they are not.
 * Refuses what is not computed.
 */
export function quantizationName(config: ConfigReader): string | undefined {
  const quantization = config.object("quantization") ?? config.object("quantization_config");
  if (quantization === undefined) return undefined;
  if (typeof quantization["quant_method"] === "string") {
    throw config.unsupported(`quant_method ${quantization["quant_method"]}`);
  }
  const general = readFormat(quantization, "quantization", config);
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
  if (mode !== "affine") throw config.unsupported(`${where} mode ${mode}`);
  if (!isCount(bits)) throw config.corrupt("bits");
  if (!isCount(group)) throw config.corrupt("group_size");
  if (!affineBits.includes(bits)) throw config.unsupported(`${where} with ${bits} bits`);
  if (!affineGroups.includes(group)) throw config.unsupported(`${where} with groups of ${group}`);
  return { mode, bits };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

const nameOf = ({ mode, bits }: Format): string => (mode === "affine" ? `${String(bits)}-bit` : mode);
