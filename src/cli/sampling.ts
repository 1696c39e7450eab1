import { type SamplingParameter, samplingRanges } from "../common/samplingRanges";
import type { SamplingOptions } from "../protocol/service";
import type { Arguments, OptionSpec } from "./arguments";

/** Options of a command that answers. */
export const samplingOptions: Readonly<Record<string, OptionSpec>> = {
  "max-tokens": { value: "N", help: "longest answer in tokens (default: what fits the context and the pool)" },
  temperature: { value: "T", help: "0 is greedy (default: 0)" },
  "top-k": { value: "N", help: "sample from the N likeliest tokens; 0 is off (default: the model's, else 0)" },
  "top-p": {
    value: "P",
    help: "sample from the likeliest tokens that make up P; 1 is off (default: the model's, else 0.95)",
  },
  "min-p": {
    value: "P",
    help: "drop tokens less likely than P × the likeliest; 0 is off (default: the model's, else 0)",
  },
  "repetition-penalty": {
    value: "P",
    help: "makes the last 64 tokens of the answer less likely; 1 is off (default: 1)",
  },
  "presence-penalty": {
    value: "P",
    help: "subtracted from the logit of tokens that are in the answer; 0 is off (default: 0)",
  },
  "frequency-penalty": { value: "P", help: "the same, once for each time that they are in it; 0 is off (default: 0)" },
  seed: { value: "N", help: "same seed, same answer (default: drawn)" },
  stop: { value: "TEXT", help: "end the answer before this text" },
};

/** Options that are a sampling parameter each, in the ranges of the one table. */
export const sampledBy = {
  temperature: "temperature",
  "top-k": "topK",
  "top-p": "topP",
  "min-p": "minP",
  "repetition-penalty": "repetitionPenalty",
  "presence-penalty": "presencePenalty",
  "frequency-penalty": "frequencyPenalty",
  seed: "seed",
} as const satisfies Readonly<Record<string, SamplingParameter>>;

/** Greedy unless a temperature is given. Other options that are left out come from the agent, the model, or our defaults. */
export function samplingOf(args: Arguments): SamplingOptions {
  const given = Object.entries(sampledBy).flatMap(([option, name]) => {
    const value = args.number(option, samplingRanges[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  const maxTokens = args.number("max-tokens", { min: 1, max: 1_000_000, whole: true });
  const stop = args.text("stop");
  return {
    temperature: 0,
    ...Object.fromEntries(given),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stop === undefined ? {} : { stop: [stop] }),
  };
}
