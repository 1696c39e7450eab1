import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../common/errors";
import { ifThere, makeFolder } from "../store/files";
import type { FileLocks } from "../store/ports";

const lockEnding = ".lock";

/**
 * Runs `work` with a folder of its own in `root`, which is always removed afterwards. A lock next to the folder shows
 * that its process is alive; folders that killed processes left are removed first.
 */
export async function withScratchFolder<T>(
  root: string,
  locks: FileLocks,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await makeFolder(root);
  await sweepScratch(root, () => locks);
  const folder = path.join(root, randomBytes(8).toString("hex"));
  const lockFile = `${folder}${lockEnding}`;
  const lock = locks.tryLock(lockFile);
  if (lock === undefined) {
    const what = "another window or program is cleaning up after benchmarks";
    throw new ResidentError("IO_FAILURE", what, "try again in a moment", { path: root });
  }
  try {
    await mkdir(folder, { mode: 0o700 });
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(lockFile, { force: true });
    lock.release();
  }
}

/** Removes the folders that ended processes left. Calls `locks` only if there is such a folder. */
export async function sweepScratch(root: string, locks: () => FileLocks): Promise<void> {
  const names = (await ifThere(root, (there) => readdir(there))) ?? [];
  const folders = new Set(names.map((name) => (name.endsWith(lockEnding) ? name.slice(0, -lockEnding.length) : name)));
  for (const name of folders) {
    const lockFile = path.join(root, `${name}${lockEnding}`);
    const lock = locks().tryLock(lockFile);
    if (lock === undefined) continue;
    try {
      await rm(path.join(root, name), { recursive: true, force: true });
      await rm(lockFile, { force: true });
    } finally {
      lock.release();
    }
  }
}
