import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { KvDtype } from "../common/kvDtypes";
import type { ModelDetail, ModelSummary, TemplateFacts } from "../protocol/service";
import { ChatTemplate } from "../text/chatTemplate";
import { eosIds } from "../text/eos";
import { listOf, objectOf, tokenText } from "../text/json";
import type { TextFiles } from "../text/textModel";
import { toolFormsOf } from "../text/toolForms";
import { systemCode, toIoError } from "./ioErrors";
import { readJsonFile, readTextFile } from "./jsonFile";
import { corrupt, incomplete, notFound } from "./modelErrors";
import { kvBytesPerToken, type ModelFacts, readModelFacts } from "./modelFacts";
import { modelNameOf } from "./modelName";
import { checkWeights } from "./weightChecks";
import { readWeights, type Weights } from "./weightFiles";

export interface InspectOptions {
  /** The directory of the starter model, to recognise it. */
  readonly starterModel?: string;
  /** Number format of the K/V cache. Default: f16, as processors use it; a GPU's usual ones are of the same size. */
  readonly kvDtype?: KvDtype;
}

interface Inspected {
  readonly summary: ModelSummary;
  readonly config: ModelFacts;
  readonly weights: Weights;
}

/**
 * Checks a model directory by its JSON files and the headers of its weights, without reading weights. Throws
 * MODEL_NOT_FOUND, MODEL_INCOMPLETE (which file, how many bytes are missing), MODEL_CORRUPT, MODEL_UNSUPPORTED (what).
 */
export async function summarizeModel(directory: string, options: InspectOptions = {}): Promise<ModelSummary> {
  return (await inspect(directory, options)).summary;
}

/** The same, with what config.json says. */
export async function summarizeWithFacts(
  directory: string,
  options: InspectOptions = {},
): Promise<{ readonly summary: ModelSummary; readonly facts: ModelFacts }> {
  const { summary, config } = await inspect(directory, options);
  return { summary, facts: config };
}

/** The same, and the facts that only the tokenizer has. */
export async function inspectModel(directory: string, options: InspectOptions = {}): Promise<ModelDetail> {
  const { summary, config, weights } = await inspect(directory, options);
  const text = await readTextFiles(directory);
  const tokens = tokenNames(text.tokenizer);
  const ids = eosIds(text, (token) => tokens.idOf(token));
  return {
    ...summary,
    numLayers: config.numLayers,
    numHeads: config.numHeads,
    numKvHeads: config.numKvHeads,
    headDim: config.headDim,
    vocabSize: config.vocabSize,
    kvBytesPerToken: kvBytesPerToken(config, options.kvDtype ?? "f16"),
    ...templateFacts(text),
    eosTokens: ids.map((id) => tokens.nameOf(id)),
    leftOut: [...weights.leftOut].map(([part, bytes]) => ({ part, bytes })),
  };
}

/** What the template says, from its own two files alone: a vocabulary takes long to read. */
export async function readTemplateFacts(directory: string): Promise<TemplateFacts> {
  try {
    await listDirectory(directory);
    const [tokenizerConfig, chatTemplate] = await Promise.all([
      readJsonFile(directory, "tokenizer_config.json"),
      readTextFile(directory, "chat_template.jinja"),
    ]);
    return templateFacts({
      tokenizerConfig: tokenizerConfig ?? {},
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
    });
  } catch (error) {
    throw toIoError(error, "reading the model", directory);
  }
}

function templateFacts({
  tokenizerConfig,
  chatTemplate,
}: Pick<TextFiles, "tokenizerConfig" | "chatTemplate">): TemplateFacts {
  const template = ChatTemplate.create(tokenizerConfig, chatTemplate);
  return {
    hasChatTemplate: template !== undefined,
    thinkingChoices: template?.thinkingChoices ?? [],
    insistsOnDate: template?.insistsOnDate === true,
    takesTools: toolFormsOf(template).takesTools,
  };
}

/** The files of a directory that `createTextModel` needs. */
export async function readTextFiles(directory: string): Promise<TextFiles> {
  try {
    const [config, tokenizer, tokenizerConfig, generationConfig, chatTemplate] = await Promise.all([
      readJsonFile(directory, "config.json"),
      readJsonFile(directory, "tokenizer.json"),
      readJsonFile(directory, "tokenizer_config.json"),
      readJsonFile(directory, "generation_config.json"),
      readTextFile(directory, "chat_template.jinja"),
    ]);
    if (tokenizer === undefined) throw missingFile(directory, "tokenizer.json");
    const optional = chatTemplate === undefined ? {} : { chatTemplate };
    return { config, tokenizer, tokenizerConfig: tokenizerConfig ?? {}, generationConfig, ...optional };
  } catch (error) {
    throw toIoError(error, "reading the model", directory);
  }
}

async function inspect(directory: string, options: InspectOptions): Promise<Inspected> {
  try {
    const entries = await listDirectory(directory);
    if (!entries.includes("config.json")) {
      if (entries.some((name) => name.endsWith(".safetensors"))) throw missingFile(directory, "config.json");
      throw notFound(`there is no model in ${directory}`, { directory });
    }
    const config = readModelFacts(await readJsonFile(directory, "config.json"));
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) await requireFile(directory, name, entries);
    const weights = await readWeights(directory);
    const stored = checkWeights(weights.tensors, config);
    const starter = options.starterModel;
    return {
      config,
      weights,
      summary: {
        directory,
        name: modelNameOf(directory),
        architecture: config.family,
        quantization: config.quantization ?? stored,
        weightBytes: weights.bytes,
        contextTokens: config.contextTokens,
        isStarter: starter !== undefined && resolve(starter) === resolve(directory),
      },
    };
  } catch (error) {
    throw toIoError(error, "reading the model", directory);
  }
}

async function listDirectory(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") throw notFound(`there is no folder ${directory}`, { directory });
    if (code === "ENOTDIR") throw notFound(`${directory} is not a folder`, { directory });
    throw error;
  }
}

async function requireFile(directory: string, name: string, entries: readonly string[]): Promise<void> {
  if (!entries.includes(name)) throw missingFile(directory, name);
  const stats = await stat(resolve(directory, name));
  if (stats.isFile() && stats.size === 0) throw incomplete(`${name} is empty`, { directory, file: name });
}

function missingFile(directory: string, file: string): Error {
  return incomplete(`${file} is missing in ${directory}`, { directory, file });
}

function tokenNames(tokenizer: unknown): { idOf(token: string): number | undefined; nameOf(id: number): string } {
  const vocabulary = objectOf(objectOf(objectOf(tokenizer)["model"])["vocab"]);
  const added = listOf(objectOf(tokenizer)["added_tokens"]).map(objectOf);
  if (Object.keys(vocabulary).length === 0)
    throw corrupt("tokenizer.json has no vocabulary", { file: "tokenizer.json" });
  return {
    idOf: (token) => {
      const id = added.find((entry) => entry["content"] === token)?.["id"] ?? vocabulary[token];
      return typeof id === "number" ? id : undefined;
    },
    nameOf: (id) =>
      tokenText(added.find((entry) => entry["id"] === id)) ??
      Object.keys(vocabulary).find((token) => vocabulary[token] === id) ??
      `#${id}`,
  };
}
