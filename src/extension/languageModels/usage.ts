import type { TurnFigures } from "../../protocol/service";

/** Not final: the chat fills its context ring from a data part of this type. */
export const usageMimeType = "usage";

/** The figures of an answer, in the form of OpenAI's API. */
export function usageBytes({ promptTokens, reusedTokens, generatedTokens }: TurnFigures): Uint8Array {
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: generatedTokens,
    total_tokens: promptTokens + generatedTokens,
    prompt_tokens_details: { cached_tokens: reusedTokens },
  };
  return new TextEncoder().encode(JSON.stringify(usage));
}
