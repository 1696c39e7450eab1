/**
 * llama.cpp's greedy answers, through node-llama-cpp. Reads {"model": GGUF file, "threads", "prompts": [{"name", "text",
 * "promptIds", "maxTokens"}]} on stdin. Writes {"engine", "answers": [{"name", "encoded", "tokenIds"}]} on stdout: `encoded` is
 * the text in llama.cpp's own tokens, `tokenIds` the answer to `promptIds`, a token that ends it included.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ensureNodePackages } from "./install.mjs";

await ensureNodePackages((text) => console.error(`[peers] ${text}`));
const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
const { model: modelPath, threads, prompts } = JSON.parse(readFileSync(0, "utf8"));
const llama = await getLlama({
  gpu: process.platform === "darwin" ? "auto" : false,
  build: "never",
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  progressLogs: false,
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024, threads: { ideal: threads, min: threads } });

async function answer({ name, text, promptIds, maxTokens }) {
  const sequence = context.getSequence();
  const tokenIds = [];
  for await (const id of sequence.evaluate(promptIds, { temperature: 0, yieldEogToken: true })) {
    tokenIds.push(id);
    if (tokenIds.length === maxTokens || model.isEogToken(id)) break;
  }
  sequence.dispose();
  return { name, encoded: model.tokenize(text), tokenIds };
}

const answers = [];
for (const prompt of prompts) answers.push(await answer(prompt));
const manifest = fileURLToPath(new URL("../package.json", import.meta.resolve("node-llama-cpp")));
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
console.log(JSON.stringify({ engine: `node-llama-cpp ${version}`, answers }));
await llama.dispose();
