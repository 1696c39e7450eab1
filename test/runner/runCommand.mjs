import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";

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
 * The process, and all that it starts, runs where the others leave a processor free. Linux may share processors between
 * sessions first, and a group of its own is a session.
 */
function lowerPriority(pid) {
  os.setPriority(pid, os.constants.priority.PRIORITY_LOW);
  const session = `/proc/${pid}/autogroup`;
  if (!fs.existsSync(session)) return;
  try {
    fs.writeFileSync(session, `${os.constants.priority.PRIORITY_LOW}`);
  } catch {
    // A kernel without this sharing, or a container that may not ask for it: the process's own priority counts.
  }
}

/**
 * Runs this Node with `args` in a process group of its own, output passed through. Past `limitMs` the whole group is
 * killed; when the command is done, what it left running in its group is too. One that runs `behind` others has the lowest
 * priority, and what it says is returned instead.
 *
 * @returns {Promise<{ code: number | null, signal: string | null, timedOut: boolean, durationMs: number, said: string }>}
 */
export function runCommand(args, { cwd, env, limitMs, behind = false }) {
  const startedAt = Date.now();
  const output = behind ? "pipe" : "inherit";
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", output, output], detached: true });
  groups.add(child.pid);
  if (behind) lowerPriority(child.pid);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid, "SIGKILL");
  }, limitMs);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => {
      clearTimeout(timer);
      killGroup(child.pid, "SIGKILL");
      groups.delete(child.pid);
    });
    // Later than its end: all that it said has been read.
    child.on("close", (code, signal) => {
      resolve({ code, signal, timedOut, durationMs: Date.now() - startedAt, said });
    });
  });
}
