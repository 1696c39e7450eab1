import { join } from "node:path";
import { namesIn } from "./folderNames";
import { readTextFile } from "./jsonFile";

/** A folder that may be a model and belongs to another program. It is read in place and never changed. */
export interface FoundFolder {
  readonly directory: string;
  readonly program: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Folders of models that other programs keep in a person's home. A folder that does not exist is none. */
export async function foundFolders(userHome: string, environment: Environment): Promise<readonly FoundFolder[]> {
  const of = (program: string, folders: readonly string[]) => folders.map((directory) => ({ directory, program }));
  const studio = [join(userHome, ".lmstudio", "models"), join(userHome, ".cache", "lm-studio", "models")];
  return [
    ...of("Hugging Face", await snapshotsIn(hubCache(userHome, environment))),
    ...of("LM Studio", (await Promise.all(studio.map((folder) => twoLevels(folder)))).flat()),
    ...of("oMLX", await oneOrTwoLevels(join(userHome, ".omlx", "models"))),
  ];
}

/** As the hub's own programs decide it. */
function hubCache(userHome: string, environment: Environment): string {
  const home = environment["HF_HOME"] || join(environment["XDG_CACHE_HOME"] || join(userHome, ".cache"), "huggingface");
  return environment["HF_HUB_CACHE"] || join(home, "hub");
}

/** The snapshot of each model that its main branch means, else its only one. */
async function snapshotsIn(cache: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await visibleIn(cache)) {
    if (!name.startsWith("models--")) continue;
    const commits = await visibleIn(join(cache, name, "snapshots"));
    const main = (await readTextFile(join(cache, name, "refs"), "main").catch(() => undefined))?.trim() ?? "";
    const commit = commits.includes(main) ? main : commits[0];
    if (commit !== undefined) found.push(join(cache, name, "snapshots", commit));
  }
  return found;
}

async function twoLevels(folder: string): Promise<readonly string[]> {
  const makers = await visibleIn(folder);
  const lists = await Promise.all(makers.map((maker) => childrenOf(join(folder, maker))));
  return lists.flat();
}

async function oneOrTwoLevels(folder: string): Promise<readonly string[]> {
  return [...(await childrenOf(folder)), ...(await twoLevels(folder))];
}

async function childrenOf(folder: string): Promise<readonly string[]> {
  return (await visibleIn(folder)).map((name) => join(folder, name));
}

async function visibleIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).filter((name) => !name.startsWith(".")).sort();
}
