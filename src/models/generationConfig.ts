import { isInSamplingRange, type SamplingParameter } from "../common/samplingRanges";
import type { SamplingOptions } from "../protocol/service";
import { objectOf } from "../text/json";

/** The sampling that a model's authors recommend. */
export type ModelSampling = Pick<SamplingOptions, "temperature" | "topK" | "topP" | "minP">;

/** Values that switch a field off: for fields that are missing in a file that sets others. */
const off = { temperature: 1, topK: 0, topP: 1, minP: 0 } as const;

const fields = { temperature: "temperature", topK: "top_k", topP: "top_p", minP: "min_p" } as const;

/**
 * The sampling in a `generation_config.json`; empty when the file only names token ids. `do_sample: false` means
 * greedy. Penalties are ignored: in a conversation about code they change identifiers.
 */
export function samplingOfModel(generationConfig: unknown): ModelSampling {
  const json = objectOf(generationConfig);
  if (json["do_sample"] === false) return { temperature: 0 };
  const numberOf = (name: SamplingParameter & keyof typeof fields): number | undefined => {
    const value = json[fields[name]];
    return typeof value === "number" && isInSamplingRange(name, value) ? value : undefined;
  };
  const { temperature, topK, topP, minP } = {
    temperature: numberOf("temperature"),
    topK: numberOf("topK"),
    topP: numberOf("topP"),
    minP: numberOf("minP"),
  };
  const saysNothing = [temperature, topK, topP, minP].every((value) => value === undefined);
  if (saysNothing && json["do_sample"] !== true) return {};
  return {
    temperature: temperature ?? off.temperature,
    topK: topK ?? off.topK,
    topP: topP ?? off.topP,
    minP: minP ?? off.minP,
  };
}
