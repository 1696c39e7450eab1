/** Blocks that `tokens` slots take. */
export function blocksFor(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}

/** Most slots that a request can fill. The last sampled token is never fed back, so its K and V need no slot. */
export function slotsNeeded(promptTokens: number, maxTokens: number): number {
  return promptTokens + Math.max(0, maxTokens - 1);
}
