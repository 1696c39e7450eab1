import type { SamplingParams } from "../engine/ports";
import type { SamplingOptions } from "../protocol/service";

/** This program's own sampling, used where nothing else is set. */
const ours = {
  temperature: 0.7,
  topK: 0,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
} as const satisfies SamplingOptions;

export type ResolvedSampling = SamplingOptions & Readonly<Record<keyof typeof ours, number>>;

/** The sources of an answer's sampling, in order of precedence. */
export interface SamplingLayers {
  readonly request?: SamplingOptions | undefined;
  readonly agent?: SamplingOptions | undefined;
  /** The user's settings. */
  readonly settings?: SamplingOptions | undefined;
  /** The model's own. */
  readonly model?: SamplingOptions | undefined;
  /** Another answer to the same message is wanted. */
  readonly again?: boolean;
}

/**
 * For each field: the request's value, else the agent's, else the settings', else the model's, else ours. With `again`,
 * a model that is greedy by default gets our temperature, unless a person set one: it would repeat its answer
 * otherwise.
 */
export function resolveSampling({ request, agent, settings, model, again }: SamplingLayers): ResolvedSampling {
  const own = { ...ours, ...said(model) };
  const varied = again === true && own.temperature === 0 ? { ...own, temperature: ours.temperature } : own;
  return { ...varied, ...said(settings), ...said(agent), ...said(request) };
}

/** Only what a person or a program has chosen, in the same order: a server has values of its own for the rest. */
export function chosenSampling({ request, agent, settings }: Omit<SamplingLayers, "model" | "again">): SamplingOptions {
  return { ...said(settings), ...said(agent), ...said(request) };
}

/** Without fields whose value is `undefined`. */
function said(options: SamplingOptions = {}): SamplingOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The engine's parameters; a seed is drawn where none is given. */
export function toSamplingParams(options: ResolvedSampling, drawSeed: () => number = randomSeed): SamplingParams {
  const bias = Object.entries(options.logitBias ?? {}).map(([id, value]) => [Number(id), value] as const);
  return {
    temperature: options.temperature,
    topK: options.topK,
    topP: options.topP,
    minP: options.minP,
    repetitionPenalty: options.repetitionPenalty,
    presencePenalty: options.presencePenalty,
    frequencyPenalty: options.frequencyPenalty,
    seed: options.seed ?? drawSeed(),
    logitBias: new Map(bias),
    logprobs: 0,
  };
}

function randomSeed(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}
