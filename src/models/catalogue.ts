import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { ResidentError, toErrorInfo } from "../common/errors";
import { createFormats } from "../common/format";
import type { ListedModel, ModelSource, ModelSummary } from "../protocol/service";
import { namesIn } from "./folderNames";
import type { FoundFolder } from "./foundModels";
import { originOf, type UnfinishedDownload, unfinishedDownloads } from "./hub/downloadFolder";
import { memoryFit } from "./memoryFit";
import { summarizeWithFacts } from "./modelDirectory";
import { notFound } from "./modelErrors";
import { modelNameOf } from "./modelName";

export interface CatalogueFolders {
  /** The starter model's own directory; not listed while it does not exist. */
  readonly starterModel: string;
  /** Folder of imported and downloaded models; need not exist. */
  readonly imported: string;
  /** The user's model directories, or folders of them. One that does not exist is listed with its problem. */
  readonly others: readonly string[];
  /** Of other programs: only those that can be used are listed. */
  readonly found: readonly FoundFolder[];
}

/** What the list says of a model in addition to its files. */
export interface CatalogueContext {
  /** Of this machine. */
  readonly memoryBytes: number;
  /** Directory of the loaded model. */
  readonly loaded: string | undefined;
}

interface Candidate {
  readonly directory: string;
  readonly source: ModelSource;
  readonly program?: string;
}

/**
 * All models of the folders: the starter, imports and downloads, the user's own, those of other programs; in each by
 * folder and name. A broken model is listed with its problem, except where it is another program's.
 */
export async function listModels(
  folders: CatalogueFolders,
  context: CatalogueContext,
): Promise<readonly ListedModel[]> {
  const candidates = new Map<string, Candidate>();
  const add = (directory: string, source: ModelSource, program?: string) => {
    const candidate = { directory, source, ...(program === undefined ? {} : { program }) };
    if (!candidates.has(directory)) candidates.set(directory, candidate);
  };
  if (await isModel(folders.starterModel)) add(resolve(folders.starterModel), "starter");
  for (const directory of await modelsIn(folders.imported)) add(directory, "imported");
  for (const folder of folders.others) {
    const directories = await modelsIn(folder);
    for (const directory of directories) add(directory, "folder");
    if (directories.length === 0 && !(await isFolder(folder))) add(resolve(folder), "folder");
  }
  for (const { directory, program } of folders.found) {
    if (await isModel(directory)) add(resolve(directory), "found", program);
  }
  const listed = await Promise.all([...candidates.values()].map((one) => describe(one, folders, context)));
  const unfinished = await unfinishedDownloads(folders.imported);
  return [
    ...listed.filter(({ source, problem }) => source !== "found" || problem === undefined),
    ...unfinished.map((download) => unfinishedModel(download)),
  ];
}

async function describe(
  { directory, source, program }: Candidate,
  { starterModel, imported }: CatalogueFolders,
  { memoryBytes, loaded }: CatalogueContext,
): Promise<ListedModel> {
  const origin = source === "imported" ? await originOf(directory) : undefined;
  const common = {
    source: origin === undefined ? source : "downloaded",
    ...(program === undefined ? {} : { program }),
    ...(origin === undefined ? {} : { hubName: origin.name }),
    isLoaded: directory === loaded,
    isDeletable: isDirectlyIn(imported, directory),
  } as const;
  try {
    if (!(await isFolder(directory))) throw notFound(`there is no folder ${directory}`, { directory });
    const { summary, facts } = await summarizeWithFacts(directory, { starterModel });
    return { ...summary, ...common, fit: memoryFit(summary.weightBytes, facts, memoryBytes) };
  } catch (error) {
    const isStarter = resolve(starterModel) === directory;
    return { ...unreadable(directory, isStarter), ...common, problem: toErrorInfo(error) };
  }
}

function unfinishedModel({ name, revision, path, bytes, totalBytes, quantization }: UnfinishedDownload): ListedModel {
  const formats = createFormats("en");
  const problem = new ResidentError(
    "MODEL_INCOMPLETE",
    `its download is unfinished: ${formats.bytesOf(bytes, totalBytes)} are there`,
    "get it again to go on, or delete it",
    { bytes, totalBytes },
  );
  const hubName = revision === "main" ? name : `${name}:${revision}`;
  const state = { source: "unfinished", hubName, isLoaded: false, isDeletable: true } as const;
  return {
    ...unreadable(path, false),
    ...state,
    quantization,
    name: name.split("/")[1] ?? name,
    problem: problem.toInfo(),
  };
}

function unreadable(directory: string, isStarter: boolean): ModelSummary {
  const unknown = { architecture: "", quantization: "", weightBytes: 0, contextTokens: 0 };
  return { directory, name: modelNameOf(directory), ...unknown, isStarter };
}

/** Whether `directory` is a folder in `folder` itself. */
export function isDirectlyIn(folder: string, directory: string): boolean {
  return resolve(directory, "..") === resolve(folder);
}

/** `folder` itself if it is a model, else the models directly in it. */
async function modelsIn(folder: string): Promise<readonly string[]> {
  if (await isModel(folder)) return [resolve(folder)];
  const models: string[] = [];
  for (const name of [...(await namesIn(folder))].sort()) {
    const directory = resolve(folder, name);
    if (!name.startsWith(".") && (await isModel(directory))) models.push(directory);
  }
  return models;
}

/** Whether the folder is meant to be a model: even a broken model has at least one of these files. */
async function isModel(directory: string): Promise<boolean> {
  return (await namesIn(directory)).some((name) => name === "config.json" || /^model.*\.safetensors$/.test(name));
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
