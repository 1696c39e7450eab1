/** The meaning of the settings under "Answers". Where one is not set, the model's own value is used. */
import { type SamplingRange, samplingRanges } from "../../common/samplingRanges";
import type { AgentSampling, SamplingOptions } from "../../protocol/service";
import { type SettingId, settings } from "../contributions";

export type ReadSetting = (id: SettingId) => unknown;

export interface AnswerSetting {
  readonly name: keyof AgentSampling;
  readonly range: SamplingRange;
  /** `null`: left alone. */
  readonly default: number | null;
}

/** package.json states the same limits and defaults: a unit test compares. Values outside are clamped here. */
export const answerSettings = {
  [settings.answersMaxTokens]: { name: "maxTokens", range: { min: 0, max: 1_000_000, whole: true }, default: null },
  [settings.answersTemperature]: { name: "temperature", range: samplingRanges.temperature, default: null },
  [settings.answersTopP]: { name: "topP", range: samplingRanges.topP, default: null },
  [settings.answersTopK]: { name: "topK", range: samplingRanges.topK, default: null },
  [settings.answersMinP]: { name: "minP", range: samplingRanges.minP, default: null },
  [settings.answersRepetitionPenalty]: {
    name: "repetitionPenalty",
    range: samplingRanges.repetitionPenalty,
    default: 1,
  },
  [settings.answersPresencePenalty]: { name: "presencePenalty", range: samplingRanges.presencePenalty, default: 0 },
  [settings.answersFrequencyPenalty]: { name: "frequencyPenalty", range: samplingRanges.frequencyPenalty, default: 0 },
  [settings.answersSeed]: { name: "seed", range: samplingRanges.seed, default: null },
} as const satisfies Readonly<Partial<Record<SettingId, AnswerSetting>>>;

/** Only what the person has set. Without a seed each answer draws its own; without a limit an answer gets what fits. */
export function samplingOf(read: ReadSetting): SamplingOptions {
  const said: [string, number][] = [];
  for (const [id, { name, range, default: preset }] of Object.entries<AnswerSetting>(answerSettings)) {
    const value = read(id as keyof typeof answerSettings);
    const set = typeof value === "number" && Number.isFinite(value) ? clamped(value, range) : preset;
    const saysNothing = set === null || (name === "maxTokens" && set === 0);
    if (!saysNothing) said.push([name, set]);
  }
  return Object.fromEntries(said);
}

function clamped(value: number, { min, max, whole }: SamplingRange): number {
  const inside = Math.min(max, Math.max(min, value));
  return whole ? Math.round(inside) : inside;
}
