import { ResidentError } from "../../common/errors";
import { createFormats } from "../../common/format";
import { blocksFor } from "../../engine/blockMath";
import type { ModelSession } from "../ports";

/** VS Code's chat keeps so many tokens for an answer, whatever a model says. */
const answerReserve = 8192;

/** Models with a longer context keep the reserve; others keep a quarter. */
const longContext = 16_384;

export interface ChatLimits {
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
}

/** `tokens`: what context and pool hold, whichever is less. */
export function chatLimits(tokens: number): ChatLimits {
  const maxOutputTokens = tokens > longContext ? answerReserve : Math.floor(tokens / 4);
  return { maxInputTokens: tokens - maxOutputTokens, maxOutputTokens };
}

const { count } = createFormats("en");

/**
 * Throws CONTEXT_FULL or POOL_EXHAUSTED for a request that leaves no room for an answer of one token. `facts`: `needed`
 * tokens and `context`; `needed` and `total` blocks and `blockTokens`.
 */
export function assertFits(promptTokens: number, { contextTokens, engine, name }: ModelSession): void {
  const { totalBlocks, blockTokens } = engine.pool;
  if (promptTokens >= contextTokens) {
    throw new ResidentError(
      "CONTEXT_FULL",
      `the request is ${count(promptTokens)} tokens long and the context of ${name} holds ${count(contextTokens)}`,
      "start a new conversation, attach less, offer fewer tools, or choose a model with a longer context",
      { needed: promptTokens + 1, context: contextTokens, kept: 0 },
    );
  }
  const needed = blocksFor(promptTokens, blockTokens);
  if (needed <= totalBlocks) return;
  throw new ResidentError(
    "POOL_EXHAUSTED",
    `the request is ${count(promptTokens)} tokens long and the block pool holds ${count(totalBlocks * blockTokens)}`,
    "raise the block pool's size (setting resident.pool.sizeMB), attach less, or offer fewer tools",
    { needed, total: totalBlocks, blockTokens },
  );
}
