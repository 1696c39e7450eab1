import { greedy, type SamplingParams } from "../engine/ports";
import type { SamplingOptions } from "../protocol/service";

/** The engine's parameters: what a person left out is greedy; a seed is drawn where none is given. */
export function toSamplingParams(options: SamplingOptions = {}, drawSeed: () => number = randomSeed): SamplingParams {
  const bias = Object.entries(options.logitBias ?? {}).map(([id, value]) => [Number(id), value] as const);
  return {
    temperature: options.temperature ?? greedy.temperature,
    topK: options.topK ?? greedy.topK,
    topP: options.topP ?? greedy.topP,
    minP: options.minP ?? greedy.minP,
    repetitionPenalty: options.repetitionPenalty ?? greedy.repetitionPenalty,
    presencePenalty: options.presencePenalty ?? greedy.presencePenalty,
    frequencyPenalty: options.frequencyPenalty ?? greedy.frequencyPenalty,
    seed: options.seed ?? drawSeed(),
    logitBias: new Map(bias),
    logprobs: 0,
  };
}

function randomSeed(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}
