/** What a model and a number of cached tokens need of memory. All sizes in bytes. */
export interface MemoryNeed {
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  /** Tokens that the block pool is to hold. */
  readonly tokens: number;
  /** What can be used without swapping. */
  readonly availableBytes: number;
}

export interface MemoryFit {
  readonly kvBytes: number;
  /** Weights, K/V cache and working memory. */
  readonly neededBytes: number;
  readonly fits: boolean;
  /** How many tokens would fit; 0 when the weights alone do not. */
  readonly maxTokens: number;
}

/**
 * Activations, logits and MLX's buffer cache while a prefill chunk is computed: a fixed part, and one that grows with
 * the model's width, for which the weights stand.
 */
export function workingBytes(weightBytes: number): number {
  return (256 << 20) + Math.ceil(weightBytes / 16);
}

export function fitInMemory(need: MemoryNeed): MemoryFit {
  const fixed = need.weightBytes + workingBytes(need.weightBytes);
  const kvBytes = need.tokens * need.kvBytesPerToken;
  const neededBytes = fixed + kvBytes;
  return {
    kvBytes,
    neededBytes,
    fits: neededBytes <= need.availableBytes,
    maxTokens: Math.max(0, Math.floor((need.availableBytes - fixed) / need.kvBytesPerToken)),
  };
}

/** Whole blocks that a pool of `poolBytes` holds. */
export function blocksInPool(poolBytes: number, blockTokens: number, kvBytesPerToken: number): number {
  return Math.floor(poolBytes / (blockTokens * kvBytesPerToken));
}
