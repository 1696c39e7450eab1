/** Other programs' greedy answers: mlx_lm's with a model folder, llama.cpp's with a GGUF file. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import os from "node:os";
import type { ReferencePrompt } from "../../src/bench/exp005Prompts";
import type { ReferenceRun } from "../../src/bench/reference";

interface LlamaRun {
  readonly engine: string;
  readonly answers: readonly { readonly name: string; readonly encoded: number[]; readonly tokenIds: number[] }[];
}

export function askMlxLm(model: string, prompts: readonly ReferencePrompt[]): Promise<ReferenceRun> {
  return ask(["test/reference/python.mjs", "exp005.py"], { model, prompts });
}

export function askLlamaCpp(
  model: string,
  prompts: readonly (ReferencePrompt & { readonly promptIds: readonly number[] })[],
): Promise<LlamaRun> {
  // Its threads wait for each other in loops: more than the processors have to spare is slow.
  const threads = Math.max(1, Math.floor(os.availableParallelism() / 2));
  return ask(["test/reference/peers/greedyAnswers.mjs"], { model, threads, prompts });
}

/** Runs a script with JSON on its input, and reads JSON from its output. */
async function ask<T>(script: readonly string[], request: object): Promise<T> {
  const child = spawn(process.execPath, script, { stdio: ["pipe", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (data: Buffer) => {
      output[name] += data.toString();
    });
  }
  child.stdin.end(JSON.stringify(request));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", (ended) => resolve(ended)),
  );
  assert.equal(code, 0, `${script.join(" ")} ended with ${code}: ${output.stderr.slice(-2000)}`);
  return JSON.parse(output.stdout);
}
