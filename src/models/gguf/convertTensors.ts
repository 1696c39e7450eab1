import { throwIfAborted } from "../../common/errors";
import { halfToNumber } from "./halves";
import { corrupt } from "./importErrors";
import { groupSize, mlxFormatOf, type ScaleType, scaleBytes } from "./mlxFormats";
import { toMlx } from "./mlxGroups";
import type { SafetensorsDtype, SafetensorsFile, TensorLayout } from "./safetensorsFile";
import type { PlannedTensor } from "./tensorPlan";
import { type ConvertibleType, isQuantized } from "./tensorTypes";

/** What is read, converted and written at a time, at most, unless a single row is longer. */
const chunkBytes = 1 << 20;

interface Part {
  readonly layout: TensorLayout;
  readonly rowBytes: number;
}

/**
 * Under which names, types and shapes a tensor is stored in MLX's format. `leastScales`: F32 has all tensors store their
 * scales so; otherwise each has the type of its format.
 */
export function layoutsOf(tensor: PlannedTensor, leastScales: ScaleType): readonly TensorLayout[] {
  return partsOf(tensor, leastScales).map((part) => part.layout);
}

/** A vector is one row, unless its elements change places. */
function rowCount({ source, permutedHeadRows }: PlannedTensor): number {
  return source.shape.length === 1 && permutedHeadRows === 0 ? 1 : (source.shape[0] ?? 1);
}

function scaleTypeOf({ source }: PlannedTensor, leastScales: ScaleType): ScaleType {
  const { type } = source.encoding;
  const format = isQuantized(type) ? mlxFormatOf(type) : undefined;
  return format?.mode === "affine" && format.scales === "F32" ? "F32" : leastScales;
}

function partsOf(tensor: PlannedTensor, leastScales: ScaleType): readonly Part[] {
  const { source, module, parameter } = tensor;
  const rows = rowCount(tensor);
  const { type } = source.encoding;
  const columns = source.shape.at(-1) ?? 1;
  const part = (name: string, dtype: SafetensorsDtype, shape: readonly number[], rowBytes: number): Part => ({
    layout: { name: `${module}.${name}`, dtype, shape, bytes: rows * rowBytes },
    rowBytes,
  });
  if (tensor.isAroundOne) return [part(parameter, "F32", source.shape, (4 * columns) / rows)];
  if (!isQuantized(type)) return [part(parameter, type, source.shape, source.bytes / rows)];
  const format = mlxFormatOf(type);
  const words = (columns * format.bits) / 32;
  const groups = columns / groupSize;
  const codes = part(parameter, "U32", [rows, words], words * 4);
  if (format.mode === "mxfp4") return [codes, part("scales", "U8", [rows, groups], groups)];
  const scaleType = scaleTypeOf(tensor, leastScales);
  return [
    codes,
    part("scales", scaleType, [rows, groups], groups * scaleBytes[scaleType]),
    part("biases", scaleType, [rows, groups], groups * scaleBytes[scaleType]),
  ];
}

/**
 * Reads one tensor chunk by chunk, converts it and writes it. `onBytes`: bytes of the source done since the last call.
 * Resolves with the largest rounding error (see `MlxGroups`); "too large" where `leastScales` cannot hold its biases.
 */
export async function convertTensor(
  tensor: PlannedTensor,
  leastScales: ScaleType,
  target: SafetensorsFile,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<number | "too large"> {
  const { name, file, position, bytes, encoding } = tensor.source;
  const parts = partsOf(tensor, leastScales);
  const scaleType = scaleTypeOf(tensor, leastScales);
  let largestError = 0;
  const rows = rowCount(tensor);
  const rowBytes = bytes / rows;
  const unit = Math.max(1, tensor.permutedHeadRows);
  const step = Math.max(unit, Math.floor(chunkBytes / rowBytes / unit) * unit);
  for (let row = 0; row < rows; row += step) {
    throwIfAborted(signal);
    const input = Buffer.allocUnsafe(Math.min(step, rows - row) * rowBytes);
    const read = await file.read(input, position + row * rowBytes);
    if (read < input.length) throw corrupt(`the file ended inside the tensor ${name}`, { tensor: name });
    const ordered = unit > 1 ? undoRopePermutation(input, unit, rowBytes) : input;
    const converted = tensor.isAroundOne
      ? { pieces: [minusOne(encoding.type, ordered)], error: 0 }
      : convert(encoding.type, ordered, scaleType);
    if (converted === "too large") return converted;
    if (converted === "not finite")
      throw corrupt(`the tensor ${name} has scales that are not finite numbers`, { tensor: name });
    const { pieces, error } = converted;
    largestError = Math.max(largestError, error);
    for (const [i, piece] of pieces.entries()) {
      const part = parts[i];
      if (part !== undefined) await target.write(part.layout.name, row * part.rowBytes, piece);
    }
    onBytes(input.length);
  }
  return largestError;
}

interface Converted {
  readonly pieces: readonly Buffer[];
  readonly error: number;
}

function convert(type: ConvertibleType, input: Buffer, scaleType: ScaleType): Converted | "too large" | "not finite" {
  if (!isQuantized(type)) return { pieces: [input], error: 0 };
  const groups = toMlx(type, input, scaleType);
  if (typeof groups === "string") return groups;
  const { weight, scales, biases, largestError } = groups;
  return { pieces: biases === undefined ? [weight, scales] : [weight, scales, biases], error: largestError };
}

/** Numbers of a plain type less 1, as f32. */
function minusOne(type: ConvertibleType, input: Buffer): Buffer {
  const size = type === "F32" ? 4 : 2;
  const output = Buffer.allocUnsafe((input.length / size) * 4);
  const bits = Buffer.alloc(4);
  for (let i = 0; i * size < input.length; i++) {
    let value: number;
    if (type === "F32") value = input.readFloatLE(i * 4);
    else if (type === "F16") value = halfToNumber(input.readUInt16LE(i * 2));
    else {
      input.copy(bits, 2, i * 2, i * 2 + 2);
      value = bits.readFloatLE(0);
    }
    output.writeFloatLE(value - 1, i * 4);
  }
  return output;
}

/**
 * llama.cpp stores the rows of a head so that rotated pairs are neighbours: row 2 i + j there is row j · half + i here.
 * `input` holds whole heads of `headRows` rows.
 */
function undoRopePermutation(input: Buffer, headRows: number, rowBytes: number): Buffer {
  const output = Buffer.allocUnsafe(input.length);
  const half = headRows / 2;
  for (let head = 0; head < input.length; head += headRows * rowBytes) {
    for (let row = 0; row < headRows; row++) {
      const to = (row % 2) * half + Math.floor(row / 2);
      input.copy(output, head + to * rowBytes, head + row * rowBytes, head + (row + 1) * rowBytes);
    }
  }
  return output;
}
