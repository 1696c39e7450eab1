/** The sampling fields that a person can set, and the values that are typed for them. Independent of VS Code. */
import { type SamplingRange, samplingRanges } from "../../common/samplingRanges";
import type { AgentSampling } from "../../protocol/service";

export interface SamplingField {
  readonly name: keyof AgentSampling;
  readonly label: string;
  readonly range: SamplingRange;
  readonly help: string;
}

export const samplingFields: readonly SamplingField[] = [
  {
    name: "temperature",
    label: "Temperature",
    range: samplingRanges.temperature,
    help: "0: always the likeliest token",
  },
  { name: "topP", label: "Top-p", range: samplingRanges.topP, help: "1: off" },
  { name: "topK", label: "Top-k", range: samplingRanges.topK, help: "0: off" },
  { name: "minP", label: "Min-p", range: samplingRanges.minP, help: "0: off" },
  {
    name: "repetitionPenalty",
    label: "Repetition penalty",
    range: samplingRanges.repetitionPenalty,
    help: "1: off; counts the last 64 tokens of the answer",
  },
  {
    name: "presencePenalty",
    label: "Presence penalty",
    range: samplingRanges.presencePenalty,
    help: "0: off; counts the answer",
  },
  {
    name: "frequencyPenalty",
    label: "Frequency penalty",
    range: samplingRanges.frequencyPenalty,
    help: "0: off; counts the answer",
  },
  { name: "seed", label: "Seed", range: samplingRanges.seed, help: "the same seed, the same answer" },
  {
    name: "maxTokens",
    label: "Longest answer",
    range: { min: 1, max: 1_000_000, whole: true },
    help: "in tokens; what does not fit is cut",
  },
];

/** Why the typed text is not a value of the field. Empty text means the default. */
export function problemWith({ range }: SamplingField, typed: string): string | undefined {
  if (typed.trim() === "") return undefined;
  const value = Number(typed);
  if (value >= range.min && value <= range.max && (!range.whole || Number.isInteger(value))) return undefined;
  return `Write ${range.whole ? "a whole number" : "a number"} from ${range.min} to ${range.max}, or nothing for the default.`;
}

/** The agent's sampling with the typed value of one field. */
export function withTyped(sampling: AgentSampling, { name }: SamplingField, typed: string): AgentSampling {
  const others = Object.entries(sampling).filter(([key]) => key !== name);
  return Object.fromEntries(typed.trim() === "" ? others : [...others, [name, Number(typed)]]);
}
