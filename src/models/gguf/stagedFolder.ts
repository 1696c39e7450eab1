import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InvalidRequestError } from "../../common/errors";
import { systemCode } from "../ioErrors";

/**
 * A folder that appears complete or not at all: it is filled under another name next to its place and renamed at the
 * end. Names that begin with a dot are never taken for models.
 */
export class StagedFolder {
  private constructor(
    readonly path: string,
    private readonly target: string,
    private readonly replace: boolean,
  ) {}

  static async create(target: string, replace: boolean): Promise<StagedFolder> {
    const parent = dirname(target);
    await mkdir(parent, { recursive: true });
    if (!replace) await refuseExisting(target);
    await removeAbandoned(parent, stagePrefix(basename(target)));
    const path = join(parent, `${stagePrefix(basename(target))}${process.pid}-${randomBytes(4).toString("hex")}`);
    await mkdir(path);
    return new StagedFolder(path, target, replace);
  }

  /** Puts the folder in its place; with `replace`, what was there goes away after the new one is in. */
  async commit(): Promise<void> {
    if (!this.replace) {
      await refuseExisting(this.target);
      await rename(this.path, this.target);
      return;
    }
    const old = `${this.path}-old`;
    const hadOld = await renameIfThere(this.target, old);
    try {
      await rename(this.path, this.target);
    } catch (error) {
      if (hadOld) await rename(old, this.target);
      throw error;
    }
    if (hadOld) await rm(old, { recursive: true, force: true });
  }

  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function stagePrefix(name: string): string {
  return `.${name}.importing-`;
}

async function refuseExisting(target: string): Promise<void> {
  const entries = await readdir(target).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ENOTDIR") return [""];
    throw error;
  });
  if (entries === undefined) return;
  throw new InvalidRequestError(`${target} exists already`, "choose another name, or ask for it to be replaced", {
    target,
  });
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Removes entries of `parent` that begin with `prefix` and a process's id when that process was killed. */
export async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(prefix)) continue;
    const pid = Number.parseInt(entry.slice(prefix.length), 10);
    if (pid !== process.pid && !isAlive(pid)) await rm(join(parent, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
