import { objectOf } from "../common/json";
import type { ServerUsage } from "../common/serverAnswer";

/**
 * What an event says about tokens; `undefined`: nothing. Members: `usage` as OpenAI has it (vLLM, SGLang, LM Studio,
 * Ollama and mlx_lm.server too), DeepSeek's `prompt_cache_hit_tokens`, llama.cpp's `timings`.
 */
export function usageIn(event: unknown): ServerUsage | undefined {
  const { usage, timings } = objectOf(event);
  const told = objectOf(usage);
  const { prompt_n: read, cache_n: cached, predicted_n: said } = objectOf(timings);
  const { cached_tokens: cachedTokens } = objectOf(told["prompt_tokens_details"]);
  const { reasoning_tokens: thoughtTokens } = objectOf(told["completion_tokens_details"]);
  const found = {
    ...counted("promptTokens", told["prompt_tokens"], sumOf(read, cached)),
    ...counted("cachedTokens", cachedTokens, told["prompt_cache_hit_tokens"], cached),
    ...counted("completionTokens", told["completion_tokens"], said),
    ...counted("thoughtTokens", thoughtTokens),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

/** llama.cpp counts in `prompt_n` only what was not cached. */
function sumOf(read: unknown, cached: unknown): number | undefined {
  return isCount(read) && isCount(cached) ? read + cached : undefined;
}

/** The first of `values` that is a count. */
function counted(name: keyof ServerUsage, ...values: readonly unknown[]): ServerUsage {
  const value = values.find(isCount);
  return value === undefined ? {} : { [name]: value };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
