import { type KvDtype, kvHeadBytes } from "../common/kvDtypes";
import { modelAdvice } from "../common/modelAdvice";
import { isObject, type JsonObject } from "../text/json";
import { ConfigReader } from "./configReader";
import { type FamilyRules, familyRules, isModelFamily, type ModelFamily, missingPartOf, textPartOf } from "./families";
import { corrupt, unsupported } from "./modelErrors";
import { type MatrixFormat, readQuantizations } from "./quantizationFacts";
import { readRope } from "./ropeFacts";
import { readWeightLayout, type WeightLayout } from "./weightLayout";
import { readWindows } from "./windowFacts";

/** What config.json says about a model, without its weights. */
export interface ModelFacts {
  readonly family: ModelFamily;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly vocabSize: number;
  readonly contextTokens: number;
  /** Tokens that the rows of each layer see, 0: all. Empty: all layers see all. */
  readonly windows: readonly number[];
  /** "4-bit", "mxfp4, some 8-bit"; undefined: not quantised. */
  readonly quantization: string | undefined;
  /** Of matrices whose format the config says one by one, by module. */
  readonly formats: ReadonlyMap<string, MatrixFormat>;
  readonly weights: WeightLayout;
}

/** What the size of a cache follows from. */
export type CacheShape = Pick<ModelFacts, "numLayers" | "numKvHeads" | "headDim" | "windows">;

const mostLayers = 1000;

/**
 * Reads a parsed config.json. Throws MODEL_UNSUPPORTED, which names the family and what of it is not computed, or
 * MODEL_CORRUPT: exactly where the loader does (native/src/core/config.cc).
 */
export function readModelFacts(json: unknown): ModelFacts {
  if (!isObject(json)) throw corrupt("config.json is not an object", { file: "config.json" });
  const { family, config, outer } = readFamily(json);
  const rules: FamilyRules = familyRules[family];
  refuseWhatIsNotComputed(config, rules);
  const numHeads = config.count("num_attention_heads", rules.numHeads);
  const hiddenSize = config.count("hidden_size");
  const numLayers = config.count("num_hidden_layers");
  if (numLayers > mostLayers) throw config.corrupt("num_hidden_layers");
  const rope = readRope(config);
  const contextTokens = Math.max(config.count("max_position_embeddings", rules.contextTokens), rope.contextTokens);
  const limits = readWindows(config, rules, numLayers, contextTokens);
  const quantization = readQuantizations(outer, config);
  const facts = {
    family,
    numLayers,
    numHeads,
    numKvHeads: config.count("num_key_value_heads", rules.numKvHeads ?? numHeads),
    headDim: config.count("head_dim", rules.headDim ?? Math.floor(hiddenSize / numHeads)),
    hiddenSize,
    intermediateSize: config.count("intermediate_size"),
    vocabSize: config.count("vocab_size", outer.optionalCount("vocab_size") ?? rules.vocabSize),
    ...limits,
    quantization: quantization.name,
    formats: quantization.formats,
    weights: readWeightLayout(config, rules),
  };
  requirePlausibleSizes(facts);
  return facts;
}

/** Of one token in the cache, in all layers. */
export function kvBytesPerToken(facts: CacheShape, dtype: KvDtype): number {
  return 2 * facts.numLayers * facts.numKvHeads * kvHeadBytes(dtype, facts.headDim);
}

/** Of the cache of one agent with `tokens` tokens: layers with a window keep those of the window only. */
export function kvBytes(facts: CacheShape, dtype: KvDtype, tokens: number): number {
  const layerBytes = kvBytesPerToken(facts, dtype) / facts.numLayers;
  let keptTokens = facts.numLayers * tokens;
  for (const window of facts.windows) if (window > 0) keptTokens -= Math.max(0, tokens - window);
  return layerBytes * keptTokens;
}

interface Described {
  readonly family: ModelFamily;
  /** Of the object that describes the decoder, which may be a part of the whole. */
  readonly config: ConfigReader;
  readonly outer: ConfigReader;
}

function readFamily(json: JsonObject): Described {
  const type = json["model_type"];
  if (typeof type !== "string") throw corrupt("config.json has no valid model_type", { file: "config.json" });
  const outer = new ConfigReader(json, type);
  if (outer.value("model_file") !== undefined) throw outer.unsupported("model_file (a program of its own)");
  const textType = textPartOf(type);
  const config = textType === undefined ? outer : outer.inner("text_config");
  if (config === undefined) throw outer.corrupt("text_config");
  const family = textType === undefined ? type : (config.text("model_type") ?? textType);
  if (isModelFamily(family)) return { family, config, outer };
  throw refusal(type, family);
}

function refusal(type: string, textType: string): Error {
  const missing = missingPartOf(textType);
  const why = missing === undefined ? "" : `: it needs ${missing}`;
  return unsupported(`config.json: model_type ${textType} is not supported${why}`, modelAdvice, {
    unsupported: `model_type ${textType}`,
    family: type,
    ...(missing === undefined ? {} : { missing }),
  });
}

/** Before anything is allocated by these sizes. */
function requirePlausibleSizes(facts: ModelFacts): void {
  const { numHeads, numKvHeads, headDim } = facts;
  const plausible =
    facts.hiddenSize <= 2 ** 20 &&
    Math.max(facts.vocabSize, facts.intermediateSize, (numHeads + numKvHeads) * headDim) <= 2 ** 24 &&
    numHeads % numKvHeads === 0 &&
    headDim % 2 === 0;
  if (!plausible) throw corrupt("the sizes in config.json are not plausible", { file: "config.json" });
}

function refuseWhatIsNotComputed(config: ConfigReader, rules: FamilyRules): void {
  for (const key of ["hidden_act", "hidden_activation"]) {
    const activation = config.text(key);
    if (activation !== undefined && activation !== rules.activation) throw config.unsupported(`${key} ${activation}`);
  }
  for (const key of ["attn_logit_softcapping", "final_logit_softcapping"]) {
    if (config.value(key) !== undefined) throw config.unsupported(key);
  }
  if (config.flag("use_bidirectional_attention", false)) throw config.unsupported("use_bidirectional_attention");
  if (rules.multipliers !== true) return;
  for (const key of ["embedding_multiplier", "attention_multiplier", "residual_multiplier", "logits_scaling"]) {
    if (!((config.number(key) ?? 0) > 0)) throw config.corrupt(key);
  }
}
