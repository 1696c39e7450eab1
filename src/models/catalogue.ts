import { readdir, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { toErrorInfo } from "../common/errors";
import type { ModelSummary } from "../protocol/service";
import { summarizeModel } from "./modelDirectory";
import { notFound } from "./modelErrors";

export interface CatalogueFolders {
  /** The starter model's own directory; not listed while it does not exist. */
  readonly starterModel: string;
  /** Folder of imported models; need not exist. */
  readonly imported: string;
  /** The user's model directories, or folders of them. One that does not exist is listed with its problem. */
  readonly others: readonly string[];
}

/** All models of the folders, the starter first, then by folder and name. A broken model is listed with its problem. */
export async function listModels(folders: CatalogueFolders): Promise<readonly ModelSummary[]> {
  const found = new Set<string>();
  if (await isModel(folders.starterModel)) found.add(resolve(folders.starterModel));
  for (const directory of await modelsIn(folders.imported)) found.add(directory);
  for (const folder of folders.others) {
    const directories = await modelsIn(folder);
    for (const directory of directories) found.add(directory);
    if (directories.length === 0 && !(await isFolder(folder))) found.add(resolve(folder));
  }
  return Promise.all([...found].map((directory) => describe(directory, folders.starterModel)));
}

async function describe(directory: string, starterModel: string): Promise<ModelSummary> {
  try {
    if (!(await isFolder(directory))) throw notFound(`there is no folder ${directory}`, { directory });
    return await summarizeModel(directory, { starterModel });
  } catch (error) {
    return {
      directory,
      name: basename(directory),
      architecture: "",
      quantization: "",
      weightBytes: 0,
      contextTokens: 0,
      isStarter: resolve(starterModel) === directory,
      problem: toErrorInfo(error),
    };
  }
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

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
