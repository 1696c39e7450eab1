import { isObject, type JsonObject } from "../text/json";
import type { ConfigReader } from "./configReader";
import type { StoredTensor } from "./safetensorsHeader";
import { textName } from "./tensorNames";

/** How one matrix is quantised. */
export interface MatrixFormat {
  readonly mode: string;
  readonly bits: number;
  readonly groupSize: number;
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

export interface Quantizations {
  /** "4-bit", "mxfp4, some 8-bit"; undefined: nothing is said to be quantised. */
  readonly name: string | undefined;
  /** Of matrices whose format the config says one by one, by module. */
  readonly formats: ReadonlyMap<string, MatrixFormat>;
}

/**
 * What config.json says about quantisation. `config`: what describes the decoder, which may be a part of `outer`.
 * Refuses what is not computed.
 */
export function readQuantizations(outer: ConfigReader, config: ConfigReader): Quantizations {
  const quantization =
    outer.object("quantization") ??
    outer.object("quantization_config") ??
    config.object("quantization") ??
    config.object("quantization_config");
  const formats = new Map<string, MatrixFormat>();
  if (quantization === undefined) return { name: undefined, formats };
  const method = quantization["quant_method"];
  if (typeof method === "string" && !methods.includes(method)) throw outer.unsupported(`quant_method ${method}`);
  const general = typeof method === "string" ? method : formatName(readFormat(quantization, "quantization", outer));
  const others = new Set<string>();
  for (const [module, value] of Object.entries(quantization)) {
    if (!isObject(value)) continue;
    const format = readFormat(value, `quantization of ${module}`, outer);
    formats.set(textName(module), format);
    if (formatName(format) !== general) others.add(formatName(format));
  }
  return { name: others.size === 0 ? general : `${general}, some ${[...others].sort().join(" and ")}`, formats };
}

export function formatName({ mode, bits }: MatrixFormat): string {
  return mode === "affine" ? `${bits}-bit` : mode;
}

/** What of it MLX does not have: "with 7 bits". */
export function whatIsUnknown({ mode, bits, groupSize }: MatrixFormat): string | undefined {
  const rules = modes.get(mode);
  if (rules?.bits.includes(bits) !== true) return `with ${bits} bits`;
  return rules.groups.includes(groupSize) ? undefined : `with groups of ${groupSize}`;
}

/** The format of a matrix that the config says nothing about, as mlx_lm sees it. */
export function modeOfShapes(inputs: number, weight: StoredTensor | undefined, scales: StoredTensor): MatrixFormat {
  const bits = Math.floor(((weight?.shape[1] ?? 0) * 32) / inputs);
  const groupSize = Math.floor(inputs / (scales.shape[1] ?? 0));
  if (scales.dtype !== "U8") return { mode: "affine", bits, groupSize };
  const mode = bits === 8 ? "mxfp8" : groupSize === 16 ? "nvfp4" : "mxfp4";
  return { mode, bits, groupSize };
}

function readFormat(value: JsonObject, where: string, config: ConfigReader): MatrixFormat {
  const mode = typeof value["mode"] === "string" ? value["mode"] : "affine";
  const { bits, group_size: groupSize } = value;
  if (!modes.has(mode)) throw config.unsupported(`${where} mode ${mode}`);
  if (!isCount(groupSize)) throw config.corrupt("group_size");
  if (!isCount(bits)) throw config.corrupt("bits");
  const unknown = whatIsUnknown({ mode, bits, groupSize });
  if (unknown !== undefined) throw config.unsupported(`${where} ${unknown}`);
  return { mode, bits, groupSize };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
