import { spawn } from "node:child_process";

/** Process groups of the commands that run now: they end with this process. */
const groups = new Set();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    for (const group of groups) killGroup(group, "SIGKILL");
    process.exit(130);
  });
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group is empty; macOS says EPERM while its last process is not yet reaped.
    if (error.code !== "ESRCH" && error.code !== "EPERM") throw error;
  }
}

/**
 * Runs this Node with `args` in a process group of its own, output passed through. Past `limitMs` the whole group is
 * killed; when the command is done, what it left running in its group is too.
 *
 * @returns {Promise<{ code: number | null, signal: string | null, timedOut: boolean, durationMs: number }>}
 */
export function runCommand(args, { cwd, env, limitMs }) {
  const startedAt = Date.now();
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"], detached: true });
  groups.add(child.pid);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid, "SIGKILL");
  }, limitMs);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      killGroup(child.pid, "SIGKILL");
      groups.delete(child.pid);
      resolve({ code, signal, timedOut, durationMs: Date.now() - startedAt });
    });
  });
}
