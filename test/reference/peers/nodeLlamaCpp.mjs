/**
 * llama.cpp through node-llama-cpp's own interface, as a program of Node's would use it. Input and output are those of
 * llamaCpp.py.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const warmUpTokens = 8;
const onMac = process.platform === "darwin";
const request = JSON.parse(readFileSync(0, "utf8"));
const { threads, measure, promptTokens, decodeTokens, sequences: sequenceCount, repeats, budgetMs } = request;

const llama = await getLlama({
  gpu: onMac ? "auto" : false,
  build: "never",
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  progressLogs: false,
  maxThreads: threads,
});
// On a CPU it makes prefill a little faster, and decode at a long context slower: each gets what is best for it.
const flashAttention = onMac || measure === "prefill";
const model = await llama.loadModel({ modelPath: request.model });
const context = await model.createContext({
  sequences: sequenceCount,
  contextSize: Math.max(promptTokens + decodeTokens, warmUpTokens) + 1,
  batchSize: Math.max(512, Math.min(promptTokens, 2048)),
  flashAttention,
  threads: { ideal: threads, min: threads },
});
const sequences = Array.from({ length: sequenceCount }, () => context.getSequence());
const vocabSize = [...model.iterateAllTokens()].length;

const randomIds = (count) => Array.from({ length: count }, () => 100 + Math.floor(Math.random() * (vocabSize - 100)));

/** Reads `ids`, then decodes `steps` more; when the first token and the last one were there. */
async function answer(sequence, ids, steps) {
  let firstAt;
  let count = 0;
  for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    firstAt ??= performance.now();
    count += 1;
    if (count > steps) break;
  }
  return { firstAt, lastAt: performance.now() };
}

async function prefillSample() {
  const [sequence] = sequences;
  await sequence.clearHistory();
  const ids = randomIds(promptTokens);
  const started = performance.now();
  const { firstAt } = await answer(sequence, ids, 0);
  return { tokens: promptTokens, ms: firstAt - started };
}

/** The last id is read again each time: what comes before it stays in the context. */
async function decodeSample() {
  const answers = await Promise.all(
    sequences.map(async (sequence) => {
      if (sequence.nextTokenIndex >= promptTokens) {
        await sequence.eraseContextTokenRanges([{ start: promptTokens - 1, end: sequence.nextTokenIndex }]);
      } else {
        await sequence.evaluateWithoutGeneratingNewTokens(randomIds(promptTokens - 1));
      }
      return answer(sequence, randomIds(1), decodeTokens);
    }),
  );
  const startedAt = Math.max(...answers.map(({ firstAt }) => firstAt));
  const endedAt = Math.max(...answers.map(({ lastAt }) => lastAt));
  return { tokens: decodeTokens * sequenceCount, ms: endedAt - startedAt };
}

async function measured() {
  for (const sequence of sequences) {
    await answer(sequence, randomIds(warmUpTokens / 2), warmUpTokens / 2);
    await sequence.clearHistory();
  }
  const startedAt = performance.now();
  const samples = [];
  do {
    samples.push(await (measure === "prefill" ? prefillSample() : decodeSample()));
  } while (samples.length < repeats && performance.now() - startedAt < budgetMs);
  return samples;
}

const manifest = fileURLToPath(new URL("../package.json", import.meta.resolve("node-llama-cpp")));
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
const samples = await measured();
const settings = `flash attention ${flashAttention ? "on" : "off"}`;
console.log(JSON.stringify({ engine: `node-llama-cpp ${version}`, settings, samples }));
await llama.dispose();
