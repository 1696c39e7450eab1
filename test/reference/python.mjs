#!/usr/bin/env node
/**
 * `node test/reference/python.mjs SCRIPT [arguments]`: runs a script of this folder in the reference's environment,
 * which is made first when need be. Input, output and exit code are the script's.
 */
import { fileURLToPath } from "node:url";
import { ensurePython } from "./environment.mjs";
import { runPython } from "./pythonProcess.mjs";

const [script = "", ...rest] = process.argv.slice(2);

await runPython(async () => {
  const { command, options, env } = await ensurePython((text) => console.error(`[reference] ${text}`));
  const file = fileURLToPath(new URL(script, import.meta.url));
  return { command, args: [...options, file, ...rest], env };
});
