import type { KvDtype } from "../common/kvDtypes";
import type { MemoryFit } from "../protocol/service";
import { type CacheShape, kvBytes } from "./modelFacts";

/** A long conversation with some files in it. */
const wantedTokens = 32_000;

/** A pool for fewer tokens is of no use. */
const leastTokens = 2048;

/** Share of the machine's memory that a model and its cache may take next to an editor and a browser; and at most. */
const [comfortable, utmost] = [0.75, 0.85];

/** Pure: whether a model of `weightBytes` runs on a machine of `memoryBytes`, and with what. */
export function memoryFit(
  weightBytes: number,
  facts: CacheShape & { readonly contextTokens: number },
  memoryBytes: number,
  dtype: KvDtype = "f16",
): MemoryFit {
  const tokens = Math.min(wantedTokens, facts.contextTokens);
  const cache = kvBytes(facts, dtype, tokens);
  const totalBytes = weightBytes + cache;
  const leastBytes = weightBytes + kvBytes(facts, dtype, Math.min(leastTokens, facts.contextTokens));
  const verdict =
    totalBytes <= comfortable * memoryBytes ? "fits" : leastBytes <= usableBytes(memoryBytes) ? "tight" : "no";
  return { weightBytes, tokens, kvBytes: cache, totalBytes, memoryBytes, verdict };
}

/** What a model with its cache can take of a machine's memory at most. */
export function usableBytes(memoryBytes: number): number {
  return utmost * memoryBytes;
}
