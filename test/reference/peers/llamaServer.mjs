#!/usr/bin/env node
/**
 * `node test/reference/peers/llamaServer.mjs [arguments]`: llama-cpp-python's server over the starter model's GGUF file; both are
 * installed first when need be. The arguments are the server's own.
 */
import path from "node:path";
import { ensurePython } from "../environment.mjs";
import { runPython } from "../pythonProcess.mjs";
import { llamaCppPython, llamaCppServer, starterGgufFile } from "./install.mjs";

const say = (text) => console.error(`[peers] ${text}`);

await runPython(async () => {
  const model = await starterGgufFile(say);
  const { command, options, env } = await ensurePython(say, llamaCppPython);
  const server = await ensurePython(say, llamaCppServer);
  const args = [...options, "-m", "llama_cpp.server", "--model", model, ...process.argv.slice(2)];
  const folders = [env.PYTHONPATH, server.env.PYTHONPATH].join(path.delimiter);
  return { command, args, env: { ...env, PYTHONPATH: folders, PYTHONUNBUFFERED: "1" } };
});
