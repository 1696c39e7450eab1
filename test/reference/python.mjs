#!/usr/bin/env node
/**
 * `node test/reference/python.mjs SCRIPT [arguments]`: runs a script of this folder in the reference's environment,
 * which is made first when need be. Input, output and exit code are the script's.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../native/setup/errors.mjs";
import { ensurePython } from "./environment.mjs";

const [script = "", ...rest] = process.argv.slice(2);

try {
  const { command, options, env } = await ensurePython((text) => console.error(`[reference] ${text}`));
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(command, [...options, file, ...rest], { env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`${error.message}: ${error.advice.replace(/\s+/g, " ")}`);
  process.exitCode = 1;
}
