import { type Formats, plural } from "./format";

interface Fit {
  readonly verdict: "fits" | "tight" | "no";
  readonly totalBytes: number;
  readonly tokens: number;
  readonly memoryBytes: number;
}

const words = { fits: "fits", tight: "tight", no: "does not fit" } as const;

/** "fits: 8.69 GB with 32,000 tokens, of 16.0 GB" */
export function fitText(
  { verdict, totalBytes, tokens, memoryBytes }: Fit,
  formats: Pick<Formats, "bytes" | "count">,
): string {
  return `${words[verdict]}: ${formats.bytes(totalBytes)} with ${plural(tokens, "token", formats)}, of ${formats.bytes(memoryBytes)}`;
}
