import { halfAtLeast, halfAtMost, halfToNumber } from "./halves";
import { groupSize, type ScaleType } from "./mlxFormats";

export interface RoundedGroup {
  /** Numbers that the type of scales holds exactly, or infinite where it cannot. */
  readonly scale: number;
  readonly bias: number;
  /** Largest difference to a weight, as a fraction of the group's largest weight. */
  readonly error: number;
}

/**
 * The nearest numbers of a grid of 2^bits points from a group's least weight to its largest. Halves are rounded outwards, so
 * that the grid covers all weights and none is more than half a step away. Writes the codes.
 */
export function roundGroup(
  weights: Float64Array,
  from: number,
  bits: number,
  scaleType: ScaleType,
  codes: Uint8Array,
): RoundedGroup {
  let least = weights[from] ?? 0;
  let largest = least;
  for (let i = from + 1; i < from + groupSize; i++) {
    const weight = weights[i] ?? 0;
    if (weight < least) least = weight;
    if (weight > largest) largest = weight;
  }
  const steps = 2 ** bits - 1;
  const bias = scaleType === "F16" ? halfToNumber(halfAtMost(least)) : Math.fround(least);
  const exactScale = (largest - bias) / steps;
  const scale = scaleType === "F16" ? halfToNumber(halfAtLeast(exactScale)) : Math.fround(exactScale);
  let difference = 0;
  for (let i = from; i < from + groupSize; i++) {
    const weight = weights[i] ?? 0;
    const code = scale === 0 ? 0 : Math.max(0, Math.min(steps, Math.round((weight - bias) / scale)));
    codes[i] = code;
    difference = Math.max(difference, Math.abs(scale * code + bias - weight));
  }
  return { scale, bias, error: difference === 0 ? 0 : difference / Math.max(-least, largest) };
}
