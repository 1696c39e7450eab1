import { isObject, type JsonObject, objectOf } from "../text/json";
import { corrupt, unsupported } from "./modelErrors";

export const supportedArchitectures = ["llama", "mistral", "qwen2", "qwen3", "gemma3_text"] as const;

/** Head size when config.json does not state it and the hidden size does not determine it. */
const defaultHeadDims: Partial<Record<ModelConfig["architecture"], number>> = { gemma3_text: 256 };

/** The values of `config.json` that listing and sizing need. */
export interface ModelConfig {
  readonly architecture: (typeof supportedArchitectures)[number];
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly contextTokens: number;
  /** "4-bit", "8-bit", "4-bit, some 8-bit"; undefined = not quantised. */
  readonly quantization: string | undefined;
}

export function readModelConfig(json: unknown): ModelConfig {
  if (!isObject(json)) throw corrupt("config.json is not an object", { file: "config.json" });
  const modelType = json["model_type"];
  const architecture = supportedArchitectures.find((name) => name === modelType);
  if (architecture === undefined) {
    const name = typeof modelType === "string" ? modelType : "unnamed";
    throw unsupported(
      `the architecture ${name} is not supported`,
      `choose a model of type ${supportedArchitectures.join(", ")}`,
      { architecture: name },
    );
  }
  const numHeads = size(json, "num_attention_heads");
  const hiddenSize = size(json, "hidden_size");
  return {
    architecture,
    numLayers: size(json, "num_hidden_layers"),
    numHeads,
    numKvHeads: isAbsent(json["num_key_value_heads"]) ? numHeads : size(json, "num_key_value_heads"),
    headDim: isAbsent(json["head_dim"])
      ? (defaultHeadDims[architecture] ?? Math.floor(hiddenSize / numHeads))
      : size(json, "head_dim"),
    vocabSize: size(json, "vocab_size"),
    contextTokens: isAbsent(json["max_position_embeddings"]) ? 2048 : size(json, "max_position_embeddings"),
    quantization: readQuantization(json),
  };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function size(json: JsonObject, key: string): number {
  const value = json[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw corrupt(`config.json has no valid ${key}`, { file: "config.json", key });
}

function readQuantization(json: JsonObject): string | undefined {
  if (isAbsent(json["quantization"])) {
    const method = objectOf(json["quantization_config"])["quant_method"];
    if (typeof method !== "string") return undefined;
    throw unsupported(`the quantisation ${method} is not supported`, "choose a model in MLX's own format", {
      quantization: method,
    });
  }
  const quantization = objectOf(json["quantization"]);
  const mode = quantization["mode"] ?? "affine";
  const bits = new Set([quantization, ...Object.values(quantization).filter(isObject)].map((entry) => entry["bits"]));
  const unknown = [...bits].find((value) => value !== 4 && value !== 8);
  if (mode !== "affine" || unknown !== undefined) {
    const name = mode === "affine" ? `${String(unknown)} bits` : String(mode);
    throw unsupported(
      `the quantisation (${name}) is not supported`,
      "choose a model with 4 or 8 bits, or not quantised",
      {
        quantization: name,
      },
    );
  }
  const general = quantization["bits"] === 8 ? 8 : 4;
  return bits.size === 1 ? `${general}-bit` : `${general}-bit, some ${general === 4 ? 8 : 4}-bit`;
}
