import fs from "node:fs";
import path from "node:path";
import { cacheDirectory } from "./paths.mjs";

const pollMs = 300;

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function tryLock(lockFile) {
  try {
    fs.writeFileSync(lockFile, `${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

/**
 * Two set-ups of one checkout take turns; a lock whose holder is gone is taken over.
 *
 * @param {string} [name] of the lock: "build" is for those who have CMake build in the addon's folder
 */
export async function withLock(say, work, name = "setup") {
  const lockFile = path.join(cacheDirectory, `${name}.lock`);
  fs.mkdirSync(cacheDirectory, { recursive: true });
  let told = false;
  while (!tryLock(lockFile)) {
    const holder = Number(fs.existsSync(lockFile) ? fs.readFileSync(lockFile, "utf8") : "");
    if (holder > 0 && !isRunning(holder)) {
      fs.rmSync(lockFile, { force: true });
      continue;
    }
    if (!told) say(`waiting for another ${name} of this checkout (process ${holder})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lockFile, { force: true });
  }
}
