/** Files that a process was writing or had moved aside when it ended: <name>.tmp-<pid>… */
import { stat } from "node:fs/promises";
import path from "node:path";
import { ifThere, temporaryMark } from "./files";

/** Younger files are never removed: their writer may run on another machine, where the pid means another process. */
const writingMs = 60_000;
/** No write takes as long, on any machine. */
const abandonedMs = 60 * 60_000;

/** Whether `file` is a temporary one whose writer will not finish it. */
export async function isAbandoned(file: string, nowMs: number): Promise<boolean> {
  const [, pid] = path.basename(file).split(temporaryMark);
  if (pid === undefined) return false;
  const mtimeMs = await ifThere(file, async (there) => (await stat(there)).mtimeMs);
  if (mtimeMs === undefined) return false;
  const ageMs = nowMs - mtimeMs;
  return ageMs > abandonedMs || (ageMs > writingMs && !isAlive(Number.parseInt(pid, 10)));
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
