/**
 * The ranges of sampling parameters, both ends included. This is the only table: settings, command line, engine and
 * addon read it, or a test compares them with it.
 */
export interface SamplingRange {
  readonly min: number;
  readonly max: number;
  /** Only whole numbers. */
  readonly whole: boolean;
}

export const samplingRanges = {
  /** 0: greedy. */
  temperature: { min: 0, max: 100, whole: false },
  /** 0: off. The addon stores it in 32 bits. */
  topK: { min: 0, max: 2 ** 31 - 1, whole: true },
  /** 1: off; 0: the most likely token only. */
  topP: { min: 0, max: 1, whole: false },
  /** 0: off. */
  minP: { min: 0, max: 1, whole: false },
  /** 1: off. With values far from 1 a logit would leave the range of a 32-bit float. */
  repetitionPenalty: { min: 0.01, max: 100, whole: false },
  /** 0: off. */
  presencePenalty: { min: -100, max: 100, whole: false },
  /** 0: off. */
  frequencyPenalty: { min: -100, max: 100, whole: false },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
  /** Most likely ids to report: 0: none, -1: the sampled one only. */
  logprobs: { min: -1, max: 1_000, whole: true },
  /** Added to one id's logit. */
  logitBias: { min: -10_000, max: 10_000, whole: false },
} as const satisfies Readonly<Record<string, SamplingRange>>;

export type SamplingParameter = keyof typeof samplingRanges;

/** Number of newest answer tokens that the repetition penalty counts. */
export const repetitionWindowTokens = 64;

export function isInSamplingRange(name: SamplingParameter, value: number): boolean {
  const { min, max, whole } = samplingRanges[name];
  return value >= min && value <= max && (!whole || Number.isInteger(value));
}
