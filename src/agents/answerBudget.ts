import { InvalidRequestError, ResidentError } from "../common/errors";

export interface AnswerLimits {
  readonly contextTokens: number;
  /** Token positions of the whole block pool. */
  readonly poolTokens: number;
}

/**
 * The longest answer, in tokens: what is left of the context and the pool, or `wanted` where that is less. Throws
 * CONTEXT_FULL when not one token fits behind the prompt. `keptTokens` is the length of the history, which is kept.
 */
export function answerBudget(
  promptTokens: number,
  wanted: number | undefined,
  { contextTokens, poolTokens }: AnswerLimits,
  keptTokens: number,
): number {
  if (promptTokens >= contextTokens) {
    throw new ResidentError(
      "CONTEXT_FULL",
      `the conversation with this message is ${promptTokens} tokens long and the model's context holds ${contextTokens}`,
      "rewind to an earlier turn, shorten the message, or start a new agent",
      { needed: promptTokens + 1, context: contextTokens, kept: keptTokens },
    );
  }
  // The last token of an answer is never read back, so it needs no position.
  const left = Math.min(contextTokens - promptTokens, poolTokens - promptTokens + 1);
  return Math.max(1, Math.min(wanted ?? left, left));
}

/** Refuses a message of white space only. */
export function assertNotBlank(text: string): void {
  if (text.trim() === "") throw new InvalidRequestError("the message is empty", "write something to answer");
}
