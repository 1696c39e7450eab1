/** IEEE 754 binary16, the numbers that GGUF's blocks hold their scales in. */

export const largestHalf = 65_504;

const numbers = Float32Array.from({ length: 1 << 16 }, (_, bits) => compute(bits));

/** Exactly. */
export function halfToNumber(bits: number): number {
  return numbers[bits] ?? Number.NaN;
}

function compute(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number that binary16 holds exactly, to its bits. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

/** The bits of the smallest half that is at least `value`; `value` is finite. 0x7c00, infinity, above the largest half. */
export function halfAtLeast(value: number): number {
  if (value < 0) return 0x8000 | largestBelow(-value);
  const below = largestBelow(value);
  return halfToNumber(below) === value ? below : below + 1;
}

/** The bits of the largest half that is at most `value`; `value` is finite. 0xfc00, −infinity, below the smallest half. */
export function halfAtMost(value: number): number {
  return value < 0 ? 0x8000 | halfAtLeast(-value) : largestBelow(value);
}

/** Of halves of 0 and above: bits grow with the numbers. */
function largestBelow(size: number): number {
  if (size >= largestHalf) return 0x7bff;
  if (size < 2 ** -14) return Math.floor(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  // log2 of a number just below a power of two may round up to it.
  if (2 ** exponent > size) exponent -= 1;
  return ((exponent + 15) << 10) + Math.floor((size / 2 ** exponent - 1) * 1024);
}
