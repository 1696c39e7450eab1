import type { ByteSource } from "../fileSource";
import { familySettings } from "./familySettings";
import { type GgufHeader, placeTensors, readGgufHeader } from "./ggufFile";
import { readHyperparameters } from "./hyperparameters";
import { modelConfig } from "./modelConfig";
import { tokenizerKindOf } from "./preTokenizers";
import { readRopeTables } from "./ropeTables";
import { checkParts } from "./splitFiles";
import { planTensors, type TensorPlan } from "./tensorPlan";
import { tokenizerFiles } from "./tokenizerFiles";
import { readVocabulary } from "./vocabulary";

/** All that the directory will say, decided and checked before anything is written. */
export interface Contents {
  readonly architecture: string;
  readonly plan: TensorPlan;
  readonly jsonFiles: Readonly<Record<string, object>>;
}

/**
 * `sources`: all parts of a split model, in order. What a model is refused for is named before how its tensors are stored: it
 * cannot be helped by another file of the same model.
 */
export async function describeModel(
  sources: readonly ByteSource[],
  signal: AbortSignal | undefined,
): Promise<Contents> {
  const headers: GgufHeader[] = [];
  for (const source of sources) headers.push(await readGgufHeader(source, signal));
  checkParts(headers);
  const [first] = headers;
  if (first === undefined) throw new Error("a model has at least one file");
  const { metadata } = first;
  const parameters = readHyperparameters(metadata);
  const kind = tokenizerKindOf(metadata);
  const plan = planTensors(headers.flatMap(placeTensors), parameters);
  const vocabulary = readVocabulary(metadata, plan.vocabSize, kind.kind === "sentencePiece");
  const tokenizer = tokenizerFiles(metadata, kind, vocabulary, parameters.contextTokens);
  const family = familySettings(parameters, plan, metadata);
  const tables = await readRopeTables(plan, parameters, metadata);
  return {
    architecture: parameters.family.architecture,
    plan,
    jsonFiles: {
      "config.json": modelConfig(parameters, plan, family, vocabulary.special, tables),
      "tokenizer.json": tokenizer.tokenizer,
      "tokenizer_config.json": tokenizer.config,
    },
  };
}
