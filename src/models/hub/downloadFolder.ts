import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InvalidRequestError } from "../../common/errors";
import { listOf, objectOf } from "../../text/json";
import { namesIn } from "../folderNames";
import { systemCode } from "../ioErrors";
import { readJsonFile } from "../jsonFile";
import type { HubFile } from "./hubClient";

/** An exclusive lock that ends with its process; `undefined` when another holder has it. */
export type TryLock = (path: string) => { release(): void } | undefined;

/** Where a downloaded model came from: a file in its folder. */
export interface HubOrigin {
  readonly name: string;
  readonly commit: string;
}

/** Kept in the folder of a download, for the list of unfinished ones and for the next one. */
export interface DownloadPlan extends HubOrigin {
  readonly revision: string;
  /** "" for a model in MLX's format. */
  readonly quantization: string;
  readonly files: readonly HubFile[];
}

const originFile = "resident.json";
const [lockFile, planFile] = ["lock", "plan.json"];
const suffix = ".downloading";

/**
 * The folder of a download: next to the model's later place, under a name that is never taken for a model. It stays
 * when the download ends early, and the next download of the same model goes on in it. The model's folder appears by
 * one rename, with all files.
 */
export class DownloadFolder {
  private constructor(
    readonly path: string,
    private readonly target: string,
    private readonly lock: { release(): void },
  ) {}

  /** Throws INVALID_REQUEST while another process downloads the same model. */
  static async open(target: string, plan: DownloadPlan, tryLock: TryLock): Promise<DownloadFolder> {
    const { files } = plan;
    const path = downloadPath(target);
    await mkdir(path, { recursive: true });
    const lock = tryLock(join(path, lockFile));
    if (lock === undefined) throw isBeingDownloaded(plan.name);
    try {
      await keepOnly(path, files);
      await writeFile(join(path, planFile), JSON.stringify(plan));
      return new DownloadFolder(path, target, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Puts the folder into its place, with a note of where it came from. */
  async commit(origin: HubOrigin): Promise<void> {
    await writeFile(join(this.path, originFile), `${JSON.stringify({ hub: origin }, undefined, 2)}\n`, { flush: true });
    // Plan and lock stay until then: where the name is taken meanwhile, this is an unfinished download like others.
    await putInPlace(this.path, this.target);
    for (const file of [planFile, lockFile]) await rm(join(this.target, file), { force: true });
  }

  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  release(): void {
    this.lock.release();
  }
}

/** Renames a folder to one that must not be there. Throws INVALID_REQUEST when the name was taken meanwhile. */
export async function putInPlace(folder: string, target: string): Promise<void> {
  try {
    await rename(folder, target);
  } catch (error) {
    if (!["EEXIST", "ENOTEMPTY", "ENOTDIR"].includes(systemCode(error))) throw error;
    throw new InvalidRequestError(
      `${target} was made while the model came`,
      "rename or delete that folder, then get the model again: what was downloaded is kept",
      { target },
    );
  }
}

/** Keeps every process from going on with the download in `folder`; `undefined`: it is none. Throws INVALID_REQUEST while one does. */
export async function lockDownload(folder: string, tryLock: TryLock): Promise<{ release(): void } | undefined> {
  if (!isDownload(basename(folder))) return undefined;
  const lock = tryLock(join(folder, lockFile));
  if (lock !== undefined) return lock;
  throw isBeingDownloaded(hubOrigin(await readObject(folder, planFile))?.name ?? basename(folder));
}

function isDownload(name: string): boolean {
  return name.startsWith(".") && name.endsWith(suffix);
}

function downloadPath(target: string): string {
  return join(dirname(target), `.${basename(target)}${suffix}`);
}

export function writeOrigin(folder: string, origin: HubOrigin): Promise<void> {
  return writeFile(join(folder, originFile), `${JSON.stringify({ hub: origin }, undefined, 2)}\n`);
}

/** `undefined` for a folder that was not downloaded. */
export async function originOf(folder: string): Promise<HubOrigin | undefined> {
  return hubOrigin(objectOf(await readObject(folder, originFile))["hub"]);
}

export interface UnfinishedDownload extends HubOrigin {
  readonly path: string;
  /** All that it takes on the disk now. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly revision: string;
  /** Of a model in GGUF; "" otherwise. */
  readonly quantization: string;
}

/** Downloads in `folder` that ended early. */
export async function unfinishedDownloads(folder: string): Promise<readonly UnfinishedDownload[]> {
  const found: UnfinishedDownload[] = [];
  for (const entry of await namesIn(folder)) {
    if (!isDownload(entry)) continue;
    const path = join(folder, entry);
    const plan = objectOf(await readObject(path, planFile));
    const origin = hubOrigin(plan);
    if (origin === undefined) continue;
    const sizes = listOf(plan["files"]).map((file) => objectOf(file)["bytes"]);
    const totalBytes = sizes.reduce<number>((sum, bytes) => sum + (typeof bytes === "number" ? bytes : 0), 0);
    const quantization = typeof plan["quantization"] === "string" ? plan["quantization"] : "";
    const revision = typeof plan["revision"] === "string" ? plan["revision"] : "main";
    found.push({ ...origin, path, bytes: await folderBytes(path), totalBytes, revision, quantization });
  }
  return found;
}

/**
 * Bytes that a folder takes on the disk; a partial file has holes, which take none. What goes away meanwhile counts
 * nothing: a running download renames its files.
 */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(path);
    else if (entry.isFile()) bytes += 512 * ((await stat(path).catch(() => undefined))?.blocks ?? 0);
  }
  return bytes;
}

function hubOrigin(json: unknown): HubOrigin | undefined {
  const { name, commit } = objectOf(json);
  return typeof name === "string" && typeof commit === "string" ? { name, commit } : undefined;
}

/** `undefined` also for a file that cannot be read. */
function readObject(folder: string, name: string): Promise<unknown> {
  return readJsonFile(folder, name).catch(() => undefined);
}

/** Removes whole files that are not, or no longer, among those to get: an earlier plan may have been for another commit. */
async function keepOnly(path: string, files: readonly HubFile[]): Promise<void> {
  const before = listOf(objectOf(await readObject(path, planFile))["files"]).map((file) => JSON.stringify(file));
  for (const entry of await readdir(path)) {
    const stem = entry.replace(/\.(partial|blocks)$/, "");
    const file = files.find((wanted) => wanted.path === entry);
    const isWhole = file !== undefined && before.includes(JSON.stringify(file));
    const isPart = stem !== entry && files.some((wanted) => wanted.path === stem);
    if (entry !== lockFile && entry !== planFile && !isWhole && !isPart) {
      await rm(join(path, entry), { recursive: true, force: true });
    }
  }
}

function isBeingDownloaded(name: string): InvalidRequestError {
  return new InvalidRequestError(
    `${name} is being downloaded by another window or program`,
    "wait for it, or stop it there",
    { name },
  );
}
