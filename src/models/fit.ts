/** How many whole blocks of `blockTokens` tokens a pool of `poolBytes` holds. */
export function blocksInPool(poolBytes: number, blockTokens: number, kvBytesPerToken: number): number {
  return Math.floor(poolBytes / (blockTokens * kvBytesPerToken));
}
