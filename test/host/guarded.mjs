import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const guard = fileURLToPath(new URL("guard.mjs", import.meta.url));

/**
 * Starts a command that ends, with all that it started, when `stop` is called or when this process ends in any way.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} onOutput what it writes to stdout and stderr
 * @returns {{ exited: Promise<number>, stop: () => Promise<number>, kill: () => Promise<number> }} with its exit code.
 *   `stop` gives it time to save, `kill` does not
 */
export function startGuarded(command, args, env, onOutput) {
  const child = spawn(process.execPath, [guard, command, ...args], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  child.stdout.setEncoding("utf8").on("data", onOutput);
  child.stderr.setEncoding("utf8").on("data", onOutput);
  const exited = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  return {
    exited,
    stop: () => {
      child.stdin.end();
      return exited;
    },
    kill: () => {
      if (child.stdin.writable) child.stdin.write("now\n");
      return exited;
    },
  };
}
