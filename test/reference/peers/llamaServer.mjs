#!/usr/bin/env node
/**
 * `node test/reference/peers/llamaServer.mjs [arguments]`: llama-cpp-python's server over the starter model's GGUF file; both are
 * installed first when need be. The arguments are the server's own.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { SetupError } from "../../../native/setup/errors.mjs";
import { ensurePython } from "../environment.mjs";
import { llamaCppPython, llamaCppServer, starterGgufFile } from "./install.mjs";

const say = (text) => console.error(`[peers] ${text}`);

try {
  const model = await starterGgufFile(say);
  const { command, options, env } = await ensurePython(say, llamaCppPython);
  const server = await ensurePython(say, llamaCppServer);
  const args = [...options, "-m", "llama_cpp.server", "--model", model, ...process.argv.slice(2)];
  const folders = [env.PYTHONPATH, server.env.PYTHONPATH].join(path.delimiter);
  const child = spawn(command, args, { env: { ...env, PYTHONPATH: folders, PYTHONUNBUFFERED: "1" }, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`${error.message}: ${error.advice.replace(/\s+/g, " ")}`);
  process.exitCode = 1;
}
