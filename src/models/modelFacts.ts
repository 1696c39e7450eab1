import { type KvDtype, kvHeadBytes } from "../common/kvDtypes";
import { isObject, type JsonObject } from "../text/json";
import { ConfigReader, familyAdvice } from "./configReader";
import { type FamilyRules, familyRules, isModelFamily, type ModelFamily, missingParts } from "./families";
import { corrupt, unsupported } from "./modelErrors";
import { quantizationName } from "./quantizationFacts";
import { readRope } from "./ropeFacts";
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
  const { family, config } = readFamily(json);
  const rules: FamilyRules = familyRules[family];
  refuseWhatIsNotComputed(config, rules);
  const numHeads = config.count("num_attention_heads", rules.numHeads);
  const hiddenSize = config.count("hidden_size");
  const numLayers = config.count("num_hidden_layers");
  if (numLayers > mostLayers) throw config.corrupt("num_hidden_layers");
  const rope = readRope(config);
  const limits = readWindows(config, rules, {
    family,
    numLayers,
    contextTokens: Math.max(config.count("max_position_embeddings", rules.contextTokens), rope.contextTokens),
  });
  const facts = {
    family,
    numLayers,
    numHeads,
    numKvHeads: config.count("num_key_value_heads", rules.numKvHeads ?? numHeads),
    headDim: config.count("head_dim", rules.headDim ?? Math.floor(hiddenSize / numHeads)),
    hiddenSize,
    intermediateSize: config.count("intermediate_size"),
    vocabSize: config.count("vocab_size", rules.vocabSize),
    ...limits,
    quantization: quantizationName(config),
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

function readFamily(json: JsonObject): { readonly family: ModelFamily; readonly config: ConfigReader } {
  const type = json["model_type"];
  if (typeof type !== "string") throw corrupt("config.json has no valid model_type", { file: "config.json" });
  const code = json["model_file"] ?? undefined;
  if (code !== undefined) throw new ConfigReader(json, type).unsupported("model_file (a program of its own)");
  const config = new ConfigReader(json, type);
  if (isModelFamily(type)) return { family: type, config };
  throw refusal(type);
}

function refusal(type: string): Error {
  const missing = missingParts[type];
  const why = missing === undefined ? "" : `: it needs ${missing}`;
  return unsupported(`config.json: model_type ${type} is not supported${why}`, familyAdvice, {
    unsupported: `model_type ${type}`,
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
  if ((config.number("partial_rotary_factor") ?? 1) !== 1) throw config.unsupported("partial_rotary_factor");
  for (const key of ["attn_logit_softcapping", "final_logit_softcapping"]) {
    if (config.value(key) !== undefined) throw config.unsupported(key);
  }
  if (config.flag("use_bidirectional_attention", false)) throw config.unsupported("use_bidirectional_attention");
}
