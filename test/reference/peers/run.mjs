#!/usr/bin/env node
/**
 * `node test/reference/peers/run.mjs PEER`: measures one workload on a peer, which is installed first when need be.
 * Input and output are those of llamaCpp.py, but "model" is a model directory for all. On stderr: lines that begin with
 * "[peers]" tell what goes on, and the last line says why it failed.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../../native/setup/errors.mjs";
import { ensurePython, mlxLm } from "../environment.mjs";
import { ensureNodePackages, llamaCppPython, starterGgufFile } from "./install.mjs";

const say = (text) => console.error(`[peers] ${text}`);
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const python = (packages, name) => async () => {
  const { command, options, env } = await ensurePython(say, packages);
  return { command, args: [...options, script(name)], env };
};

const peers = {
  "node-llama-cpp": {
    usesGguf: true,
    prepare: async () => {
      await ensureNodePackages(say);
      return { command: process.execPath, args: [script("nodeLlamaCpp.mjs")], env: process.env };
    },
  },
  "llama-cpp-python": { usesGguf: true, prepare: python(llamaCppPython, "llamaCpp.py") },
  mlx_lm: { usesGguf: false, prepare: python(mlxLm, "mlxLm.py") },
};

async function readInput() {
  let text = "";
  for await (const part of process.stdin.setEncoding("utf8")) text += part;
  return JSON.parse(text);
}

async function measure({ usesGguf, prepare }) {
  const request = await readInput();
  const { command, args, env } = await prepare();
  const model = usesGguf ? (request.gguf ?? (await starterGgufFile(say))) : request.model;
  const child = spawn(command, args, { env, stdio: ["pipe", "inherit", "inherit"] });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.stdin.on("error", () => undefined).end(JSON.stringify({ ...request, model }));
  return new Promise((resolve, reject) => child.once("error", reject).once("close", (code) => resolve(code ?? 1)));
}

/** Of a tool's last lines the last: that is the reason, in one line. */
const inOneLine = ({ message }) => {
  const lines = message.split("\n").map((line) => line.trim());
  return lines.length === 1 ? message : `${lines[0]} ${lines.at(-1)}`;
};

try {
  const peer = peers[process.argv[2]];
  if (peer === undefined) throw new SetupError(`there is no such peer: choose among ${Object.keys(peers).join(", ")}`);
  process.exitCode = await measure(peer);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(inOneLine(error));
  process.exitCode = 1;
}
