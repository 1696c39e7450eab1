import { type Formats, plural } from "./format";

interface Rounded {
  readonly type: string;
  readonly bits: number;
  readonly tensors: number;
  readonly largestError: number;
}

/**
 * "Rounded 12 tensors in Q6_K to 8 bits: no weight changed by more than 0.4% of the largest one of its group of 32. All other
 * weights are exact." undefined: none was rounded.
 */
export function roundedText(
  rounded: readonly Rounded[],
  formats: Pick<Formats, "count" | "percent">,
): string | undefined {
  if (rounded.length === 0) return undefined;
  const parts = rounded.map(
    ({ type, bits, tensors }) => `${plural(tensors, "tensor", formats)} in ${type} to ${bits} bits`,
  );
  const largest = Math.max(...rounded.map(({ largestError }) => largestError));
  const bound =
    largest === 0
      ? "no weight changed"
      : `no weight changed by more than ${formats.percent(largest)} of the largest one of its group of 32`;
  return `Rounded ${parts.join(", ")}: ${bound}. All other weights are exact.`;
}
