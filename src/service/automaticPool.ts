/** The size of the block pool without a setting. Pure: decides from free memory, the model and its context. */
import type { NativeModelInfo } from "../native/binding";

export type ContextSizes = Pick<NativeModelInfo, "kvBytesPerToken" | "maxContextTokens" | "window">;

/** More whole contexts than this are rarely in use together. */
export const mostContexts = 8;

/**
 * Share of the memory that is free after the weights are loaded; the rest is for editors, compilers and their files.
 */
export const mostOfFree = 0.5;

/** The same when that share does not hold one whole context. */
export const mostOfFreeForOneContext = 0.75;

/** A pool for fewer tokens is useless: it must hold about a file and an answer. */
const leastTokens = 2048;

/** Bytes of one conversation as long as the model's context. Window layers keep two windows of it. */
export function contextBytes({ kvBytesPerToken, maxContextTokens, window }: ContextSizes): number {
  if (window === undefined) return kvBytesPerToken * maxContextTokens;
  const inWindow = Math.min(maxContextTokens, 2 * window.tokens);
  return (kvBytesPerToken - window.kvBytesPerToken) * maxContextTokens + window.kvBytesPerToken * inWindow;
}

/** Bytes below which a pool is not worth loading the model for. */
export function leastPoolBytes({ kvBytesPerToken, maxContextTokens }: ContextSizes): number {
  return kvBytesPerToken * Math.min(maxContextTokens, leastTokens);
}

/**
 * Room for `mostContexts` contexts, in half of the free memory; one whole context may take three quarters of it. Never
 * less than the smallest useful pool, which the device refuses if it does not fit.
 */
export function automaticPoolBytes(model: ContextSizes, availableBytes: number): number {
  const one = contextBytes(model);
  const share = Math.max(mostOfFree * availableBytes, Math.min(one, mostOfFreeForOneContext * availableBytes));
  return Math.floor(Math.max(leastPoolBytes(model), Math.min(mostContexts * one, share)));
}
