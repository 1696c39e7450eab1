import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InvalidRequestError, throwIfAborted } from "../../common/errors";
import type { Progress, RoundedTensors } from "../../protocol/service";
import { removeDeleted } from "../deleteModel";
import { importGguf } from "../gguf/importGguf";
import { systemCode, toIoError } from "../ioErrors";
import { type DownloadOptions, downloadFiles } from "./downloadFiles";
import { DownloadFolder, type HubOrigin, originOf, putInPlace, type TryLock, writeOrigin } from "./downloadFolder";
import type { HubClient } from "./hubClient";
import type { ModelPlan } from "./modelPlan";

export interface InstalledModel {
  readonly directory: string;
  /** As the import's; empty also where the model was there. */
  readonly rounded: readonly RoundedTensors[];
}

export interface InstallPlace {
  /** The folder of models: a folder for each. */
  readonly models: string;
  readonly tryLock: TryLock;
}

/**
 * Downloads a planned model and puts it among the models; resolves at once where it is there already. A
 * model in GGUF is imported then, and the file removed. A folder of a model appears only when it is whole.
 */
export async function installModel(
  client: HubClient,
  plan: ModelPlan,
  { models, tryLock }: InstallPlace,
  options: DownloadOptions,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<InstalledModel> {
  throwIfAborted(signal);
  const { name, commit } = plan.repo;
  const origin: HubOrigin = { name, commit };
  try {
    const { target, isThere } = await placeFor(models, plan, origin);
    if (isThere) return { directory: target, rounded: [] };
    await removeDeleted(models);
    const isGguf = plan.variants !== undefined;
    const quantization = isGguf ? plan.quantization : "";
    const folder = await DownloadFolder.open(
      target,
      { ...origin, revision: plan.revision, quantization, files: plan.files },
      tryLock,
    );
    try {
      // Another window may have finished it between the look and the lock.
      if ((await placeFor(models, plan, origin)).isThere) {
        await folder.discard();
        return { directory: target, rounded: [] };
      }
      const laterBytes = isGguf ? plan.downloadBytes : 0;
      const request = { name, commit, files: plan.files, folder: folder.path, laterBytes };
      await downloadFiles(client, request, options, onProgress, signal);
      throwIfAborted(signal);
      if (isGguf) {
        const rounded = await importDownloaded(folder, plan, target, origin, onProgress, signal);
        return { directory: target, rounded };
      }
      await folder.commit(origin);
      return { directory: target, rounded: [] };
    } finally {
      folder.release();
    }
  } catch (error) {
    throw toIoError(error, "getting the model", models);
  }
}

/** The import is made next to its place, gets the note of where it came from, and only then its name. */
async function importDownloaded(
  folder: DownloadFolder,
  plan: ModelPlan,
  target: string,
  origin: HubOrigin,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal | undefined,
): Promise<readonly RoundedTensors[]> {
  const file = join(folder.path, plan.files[0]?.path ?? "");
  const made = join(folder.path, "imported");
  const { rounded } = await importGguf({ file, target: made, replace: true }, onProgress, signal);
  await writeOrigin(made, origin);
  await putInPlace(made, target);
  await folder.discard();
  return rounded;
}

/** The model's own name, with that of its variant; where a model from elsewhere has that name, with its organisation too. */
async function placeFor(
  models: string,
  { repo, variants, quantization }: ModelPlan,
  origin: HubOrigin,
): Promise<{ readonly target: string; readonly isThere: boolean }> {
  await mkdir(models, { recursive: true });
  const [organisation = "", short = ""] = repo.name.split("/");
  const name = variants === undefined ? short : `${short.replace(/-gguf$/i, "")}-${quantization}`;
  for (const folder of [name, `${organisation}--${name}`]) {
    const target = join(models, folder);
    const there = await originOf(target);
    if (there?.name === origin.name && there.commit === origin.commit) return { target, isThere: true };
    if (there?.name === origin.name) throw isOlder(origin.name, target);
    if (await isFree(target)) return { target, isThere: false };
  }
  throw new InvalidRequestError(`there is a model ${name} already`, "delete or rename its folder first", {
    name,
    models,
  });
}

function isOlder(name: string, target: string): InvalidRequestError {
  const advice = "delete the model first to get the newer one: agents that use it read their conversation again then";
  return new InvalidRequestError(`another version of ${name} is there`, advice, { name, directory: target });
}

function isFree(target: string): Promise<boolean> {
  return lstat(target).then(
    () => false,
    (error: unknown) => systemCode(error) === "ENOENT",
  );
}
