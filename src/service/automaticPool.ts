/** How large the block pool is where no setting says so. Pure: decides from free memory, the model and its context. */
import type { NativeModelInfo } from "../native/binding";

export type ContextSizes = Pick<NativeModelInfo, "kvBytesPerToken" | "maxContextTokens" | "window">;

/** More whole contexts than these are hardly in use together. */
export const mostContexts = 8;

/** Of the memory that is free once the weights are loaded: the rest is for editors, compilers and the files they read. */
export const mostOfFree = 0.5;

/** The same, where that would not hold one whole context. */
export const mostOfFreeForOneContext = 0.75;

/** A pool for fewer tokens is of no use: about a file to read and an answer. */
const leastTokens = 2048;

/** Bytes of one conversation as long as the model's context. Layers with a window keep two windows of it. */
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
 * less than the least, which the device then refuses where it does not fit.
 */
export function automaticPoolBytes(model: ContextSizes, availableBytes: number): number {
  const one = contextBytes(model);
  const share = Math.max(mostOfFree * availableBytes, Math.min(one, mostOfFreeForOneContext * availableBytes));
  return Math.floor(Math.max(leastPoolBytes(model), Math.min(mostContexts * one, share)));
}
