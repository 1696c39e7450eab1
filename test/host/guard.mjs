/**
 * Runs a command in a process group of its own for as long as this process's stdin stays open: `node guard.mjs COMMAND ARGS…`.
 * Whatever ends the parent, be it SIGKILL, ends the pipe, and with it everything that the command started. What it
 * started gets some seconds after SIGTERM to save (VS Code gives extensions five); a line on stdin cuts them short.
 */
import { spawn } from "node:child_process";

const graceMs = 6_000;
const pollMs = 50;

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], detached: true });

child.on("error", (error) => {
  console.error(error.message);
  process.exit(127);
});
const exited = new Promise((resolve) => {
  child.on("exit", (code, signal) => resolve(signal === null ? code : 1));
});

/** @returns {boolean} whether somebody of the group was there to hear it */
function signalGroup(signal) {
  try {
    process.kill(-child.pid, signal);
    return true;
  } catch {
    return false;
  }
}

let ending;
function end() {
  ending ??= (async () => {
    child.kill("SIGTERM");
    for (let waitedMs = 0; waitedMs < graceMs && signalGroup(0); waitedMs += pollMs) {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    signalGroup("SIGKILL");
  })();
  return ending;
}

// Ctrl-C reaches the whole terminal: the parent decides what it means.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdin.on("data", () => signalGroup("SIGKILL")).on("close", end);

const code = await exited;
await end();
process.exit(code);
