import { objectOf } from "../../text/json";
import { parseJsonFile } from "../jsonFile";
import { readModelFacts } from "../modelFacts";
import { type PlannedFacts, readGgufFacts } from "./ggufFacts";
import type { HubClient, HubFile, HubRepo } from "./hubClient";
import { chooseVariant, type GgufVariant, neededFiles } from "./neededFiles";
import type { RepoName } from "./repoName";
import { namesTools } from "./templateTools";

/** What getting a model means, decided from its small files before its weights are downloaded. */
export interface ModelPlan extends PlannedFacts {
  readonly repo: HubRepo;
  readonly revision: string;
  readonly quantization: string;
  /** Of the files that become weights. */
  readonly weightBytes: number;
  readonly files: readonly HubFile[];
  readonly downloadBytes: number;
  /** A model in GGUF: the files are parts of one, which is imported after the download. */
  readonly variants: readonly GgufVariant[] | undefined;
}

/**
 * Reads a model's config.json, or the head of its GGUF file, and its template. Throws MODEL_NOT_FOUND, MODEL_UNSUPPORTED
 * (by family, for own code, for PyTorch files), IMPORT_UNSUPPORTED, HUB_DENIED or HUB_FAILURE.
 */
export async function planModel(
  client: HubClient,
  wanted: RepoName,
  quantization: string | undefined,
  signal?: AbortSignal,
): Promise<ModelPlan> {
  const repo = await client.repo(wanted, signal);
  const offer = neededFiles(repo.name, repo.files);
  const base = { repo, revision: wanted.revision };
  if (offer.type === "gguf") {
    const chosen = chooseVariant(repo.name, offer.variants, quantization);
    const facts = await readGgufFacts(client, repo, chosen, signal);
    const { files, bytes } = chosen;
    const sizes = { weightBytes: bytes, files, downloadBytes: bytes, variants: offer.variants };
    return { ...base, ...facts, quantization: chosen.quantization, ...sizes };
  }
  const read = async (path: string) => {
    const file = offer.files.find((candidate) => candidate.path === path);
    return file === undefined ? undefined : client.text(repo.name, repo.commit, file, signal);
  };
  const facts = readModelFacts(parseJsonFile((await read("config.json")) ?? "", "config.json"));
  const weights = offer.files.filter(({ path }) => path.endsWith(".safetensors"));
  return {
    ...base,
    family: facts.family,
    quantization: facts.quantization ?? "not quantised",
    shape: facts,
    usesTools: await templateUsesTools(read),
    weightBytes: weights.reduce((sum, { bytes }) => sum + bytes, 0),
    files: offer.files,
    downloadBytes: offer.bytes,
    variants: undefined,
  };
}

/** `undefined`: there is no template. */
async function templateUsesTools(read: (path: string) => Promise<string | undefined>): Promise<boolean | undefined> {
  const jinja = await read("chat_template.jinja");
  if (jinja !== undefined) return namesTools(jinja);
  const config = await read("tokenizer_config.json");
  const template =
    config === undefined ? undefined : objectOf(parseJsonFile(config, "tokenizer_config.json"))["chat_template"];
  return template === undefined ? undefined : namesTools(JSON.stringify(template));
}
