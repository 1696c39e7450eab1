import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const maxOutputBytes = 64 * 2 ** 20;

/** Runs a program of node_modules/ (by the file that its package calls its `bin`) to its end. */
export function runTool(bin, args, cwd = root) {
  return run(process.execPath, [path.join(root, "node_modules", bin), ...args], cwd);
}

/** @returns {{ status: number | null, output: string }} */
export function run(command, args, cwd = root) {
  const env = { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1" };
  const result = spawnSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: maxOutputBytes });
  return { status: result.status, output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error ?? ""}` };
}

export function assertClean({ status, output }) {
  assert.equal(status, 0, `\n${output}`);
}
