/** Blocks that `tokens` slots take. */
export function blocksFor(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}

/** Slots that a request can fill at most: the last sampled token is never fed back, so its K and V take none. */
export function slotsNeeded(promptTokens: number, maxTokens: number): number {
  return promptTokens + Math.max(0, maxTokens - 1);
}
