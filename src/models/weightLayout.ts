import type { ConfigReader } from "./configReader";
import type { FamilyRules } from "./families";

/** Which weights a decoder has, beyond what all have. */
export interface WeightLayout {
  /** undefined: the head is the embedding unless the files have a head. */
  readonly tied: boolean | undefined;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  readonly queryKeyNorms: "none" | "heads" | "joint";
  readonly norms: "before" | "around" | "behind";
  readonly fused: boolean;
}

export function readWeightLayout(config: ConfigReader, rules: FamilyRules): WeightLayout {
  const says = (key: string, settled: boolean) => !settled && config.flag(key, false);
  const { biases } = rules;
  const isTied =
    config.value("tie_word_embeddings") === undefined ? undefined : config.flag("tie_word_embeddings", true);
  return {
    tied: rules.filesDecideHead === true ? undefined : isTied,
    qkvBias: biases === "qkv" || says("attention_bias", biases === "none"),
    outputBias: says(rules.outputBiasKey ?? "attention_bias", biases === "none" || biases === "qkv"),
    mlpBias: says("mlp_bias", biases !== undefined),
    queryKeyNorms: rules.queryKeyNorms ?? "none",
    norms: rules.norms ?? "before",
    fused: rules.fused ?? false,
  };
}
