import { throwIfAborted } from "../common/errors";
import type { NativeAddon, NativeModel, NativePool, NativeSampling } from "../native/binding";
import type { BenchRow } from "../protocol/service";
import { percentiles } from "./statistics";

const blockTokens = 64;
const contextBlocks = 16;
const runs = 10;

const greedy: NativeSampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seedLow: 0,
  seedHigh: 0,
  biasIds: new Int32Array(),
  biasValues: new Float32Array(),
  penaltyIds: new Int32Array(),
  stopIds: new Int32Array(),
  logprobs: 0,
};

/**
 * The first decode step of a sequence that was just reconstructed, and what it costs more than a steady one: for a cache
 * in one run of blocks, which attention reads where it lies, and for scattered blocks, which it gathers. The times do not
 * depend on what the blocks hold, so nothing is prefilled.
 */
export async function firstStepRows(
  addon: Pick<NativeAddon, "loadModel">,
  directory: string,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const model = await addon.loadModel({ directory }, () => undefined).result;
  try {
    const pool = await model.createPool(4 * contextBlocks, blockTokens);
    const oneRun = Int32Array.from({ length: contextBlocks }, (_, i) => i);
    const scattered = Int32Array.from({ length: contextBlocks }, (_, i) => contextBlocks + 2 * i);
    const other = Int32Array.from({ length: contextBlocks }, (_, i) => 3 * contextBlocks + i);
    const rows: BenchRow[] = [];
    for (const [layout, table] of [
      ["one run of blocks", oneRun],
      ["scattered blocks", scattered],
    ] as const) {
      rows.push(await measure(model, pool, layout, table, other, signal));
    }
    return rows;
  } finally {
    await model.dispose();
  }
}

async function measure(
  model: NativeModel,
  pool: NativePool,
  layout: string,
  table: Int32Array,
  other: Int32Array,
  signal: AbortSignal,
): Promise<BenchRow> {
  const first: number[] = [];
  const steady: number[] = [];
  await decodeStep(pool, table);
  for (let i = 0; i < runs; i += 1) {
    throwIfAborted(signal);
    await decodeStep(pool, other);
    first.push(await decodeStep(pool, table));
    steady.push(await decodeStep(pool, table));
  }
  const times = percentiles(first);
  const steadyMs = percentiles(steady).p50Ms;
  const { numLayers, numKvHeads, headDim, kvDtype, kvBytesPerToken } = model.info;
  return {
    case: `first decode step, ${layout}`,
    ...times,
    geometry: `${contextBlocks} blocks × ${blockTokens} tokens, ${numLayers} layers, ${numKvHeads} heads × ${headDim}, ${kvDtype}`,
    bytes: contextBlocks * blockTokens * kvBytesPerToken,
    steadyMs,
    overSteadyMs: times.p50Ms - steadyMs,
  };
}

/** Milliseconds of one step for one sequence whose last token is new. */
async function decodeStep(pool: NativePool, table: Int32Array): Promise<number> {
  const start = performance.now();
  await pool.run(
    {
      tokens: Int32Array.of(1),
      tokenCounts: Int32Array.of(1),
      starts: Int32Array.of(contextBlocks * blockTokens - 1),
      tables: table,
      tableLengths: Int32Array.of(contextBlocks),
      wantToken: Uint8Array.of(1),
      sampling: [greedy],
      steps: 1,
    },
    () => undefined,
  ).result;
  return performance.now() - start;
}
