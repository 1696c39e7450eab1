import type { ResidentError } from "../common/errors";
import { modelAdvice } from "../common/modelAdvice";
import { corrupt, incomplete, unsupported } from "./modelErrors";
import type { ModelFacts } from "./modelFacts";
import { formatName, modeOfShapes, whatIsUnknown } from "./quantizationFacts";
import type { StoredTensor } from "./safetensorsHeader";
import { type WeightSpec, weightSpecs } from "./weightSpecs";

type Tensors = ReadonlyMap<string, StoredTensor>;

const floats: readonly string[] = ["F32", "F16", "BF16"];

/**
 * Checks names, shapes and element types of all tensors, by what the loader says of them and in its words
 * (native/src/core/loader.cc). Returns the format of the embedding.
 */
export function checkWeights(tensors: Tensors, facts: ModelFacts): string {
  const tied = facts.weights.tied ?? !tensors.has("lm_head.weight");
  const known = new Set<string>();
  for (const spec of weightSpecs(facts, tied)) {
    checkWeight(tensors, facts, spec);
    for (const name of ["weight", "scales", "biases"]) known.add(`${spec.module}.${name}`);
    if (spec.bias) known.add(`${spec.module}.bias`);
  }
  for (const name of [...tensors.keys()].sort()) {
    const isIgnored = name.endsWith("rotary_emb.inv_freq") || name.startsWith("lm_head.");
    if (isIgnored || known.has(name)) continue;
    throw unsupported(`tensor ${name} has no place in a ${facts.family}`, modelAdvice, { tensor: name });
  }
  const scales = tensors.get("model.embed_tokens.scales");
  const weight = tensors.get("model.embed_tokens.weight");
  if (scales === undefined) return weight?.dtype.toLowerCase() ?? "none";
  return formatName(modeOfShapes(facts.hiddenSize, weight, scales));
}

function checkWeight(tensors: Tensors, facts: ModelFacts, { module, outputs, inputs, bias }: WeightSpec): void {
  if (bias) checkFloats(tensors, `${module}.bias`, [outputs]);
  const scales = tensors.get(`${module}.scales`);
  if (inputs === undefined || scales === undefined) {
    checkFloats(tensors, `${module}.weight`, inputs === undefined ? [outputs] : [outputs, inputs]);
    return;
  }
  const name = `${module}.weight`;
  const weight = tensors.get(name);
  if (weight === undefined) throw missing(name);
  const format = facts.formats.get(module) ?? modeOfShapes(inputs, weight, scales);
  const unknown = whatIsUnknown(format);
  if (unknown !== undefined) {
    throw unsupported(`tensor ${name} is quantised ${unknown}`, modelAdvice, { tensor: name });
  }
  if (inputs % format.groupSize !== 0) throw wrong(name, `cannot be cut into groups of ${format.groupSize}`);
  checkTensor(tensors, name, [outputs, (inputs * format.bits) / 32]);
  const groups = [outputs, inputs / format.groupSize];
  if (format.mode === "affine") {
    checkFloats(tensors, `${module}.scales`, groups);
    checkFloats(tensors, `${module}.biases`, groups);
  } else {
    checkTensor(tensors, `${module}.scales`, groups);
  }
  if (weight.dtype !== "U32" || (format.mode !== "affine" && scales.dtype !== "U8")) {
    throw wrong(name, "is not stored as its scales are");
  }
}

function checkFloats(tensors: Tensors, name: string, shape: readonly number[]): void {
  const { dtype } = checkTensor(tensors, name, shape);
  if (!floats.includes(dtype)) throw wrong(name, `is stored as ${dtype}`);
}

function checkTensor(tensors: Tensors, name: string, shape: readonly number[]): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw missing(name);
  if (![...floats, "U32", "U8"].includes(tensor.dtype)) {
    throw unsupported(`tensor ${name} is stored as ${tensor.dtype}`, modelAdvice, { tensor: name });
  }
  if (tensor.shape.join() !== shape.join()) {
    throw wrong(name, `is [${tensor.shape.join(", ")}] and the config asks for [${shape.join(", ")}]`);
  }
  return tensor;
}

function missing(name: string): ResidentError {
  return incomplete(`tensor ${name} is missing`, { tensor: name });
}

function wrong(name: string, what: string): ResidentError {
  return corrupt(`tensor ${name} ${what}`, { tensor: name });
}
