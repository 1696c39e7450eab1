import type { SamplingOptions } from "../protocol/service";

/**
 * The sampling that people's answers get from settings, model and program. Only the seed is fixed, so that an answer
 * ends where it ended the last time.
 */
export function usual(maxTokens: number): SamplingOptions {
  return { seed: 1, maxTokens };
}

/** Always the most likely token, whatever the settings are: for answers that are compared id by id. */
export function greedy(maxTokens: number): SamplingOptions {
  return { temperature: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, maxTokens };
}
