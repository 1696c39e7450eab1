import { throwIfAborted } from "../common/errors";
import { greedy, noPenalties, type SequenceStep } from "../engine/ports";
import type { NativeAddon, NativeModelInfo } from "../native/binding";
import { MlxRunner } from "../native/mlxRunner";
import type { BenchRow } from "../protocol/service";
import { percentiles } from "./statistics";

const blockTokens = 64;
const contextBlocks = 16;
const poolBlocks = 4 * contextBlocks;
const runs = 30;

/**
 * The first decode step of a sequence that was just reconstructed, and how much longer it takes than a steady step: for a
 * cache in one run of blocks, which attention reads in place, and for scattered blocks, which it gathers. The times do not
 * depend on the blocks' contents: one block is read, the others are copies of it.
 */
export async function firstStepRows(
  addon: Pick<NativeAddon, "loadModel">,
  directory: string,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const model = await addon.loadModel({ directory }, () => undefined).result;
  try {
    const runner = new MlxRunner(await model.createPool(poolBlocks, blockTokens), model.info);
    await runner.run([stepOf(new Int32Array(blockTokens).fill(1), 0, [0])], oneStep);
    for (let block = 1; block < poolBlocks; block += 1) await runner.copyBlock(0, block, blockTokens);
    const oneRun = Array.from({ length: contextBlocks }, (_, i) => i);
    const scattered = Array.from({ length: contextBlocks }, (_, i) => contextBlocks + 2 * i);
    const other = Array.from({ length: contextBlocks }, (_, i) => 3 * contextBlocks + i);
    const rows: BenchRow[] = [];
    for (const [layout, table] of [
      ["one run of blocks", oneRun],
      ["scattered blocks", scattered],
    ] as const) {
      rows.push(await measure(model.info, runner, layout, table, other, signal));
    }
    return rows;
  } finally {
    await model.dispose();
  }
}

async function measure(
  info: NativeModelInfo,
  runner: MlxRunner,
  layout: string,
  table: readonly number[],
  other: readonly number[],
  signal: AbortSignal,
): Promise<BenchRow> {
  const first: number[] = [];
  const steady: number[] = [];
  await decodeStep(runner, table);
  for (let i = 0; i < runs; i += 1) {
    throwIfAborted(signal);
    await decodeStep(runner, other);
    first.push(await decodeStep(runner, table));
    steady.push(await decodeStep(runner, table));
  }
  const times = percentiles(first);
  const steadyMs = percentiles(steady).p50Ms;
  const { numLayers, numKvHeads, headDim, kvDtype, kvBytesPerToken } = info;
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
async function decodeStep(runner: MlxRunner, table: readonly number[]): Promise<number> {
  const start = performance.now();
  await runner.run([stepOf(Int32Array.of(1), contextBlocks * blockTokens - 1, table)], oneStep);
  return performance.now() - start;
}

const oneStep = { steps: 1, onTokens: () => undefined, onFailed: () => undefined, cancelled: () => false };

function stepOf(tokens: Int32Array, start: number, table: readonly number[]): SequenceStep {
  return {
    tokens,
    start,
    table,
    wantToken: true,
    sampling: greedy,
    penalties: noPenalties,
    stopIds: [],
    lookupIds: new Int32Array(0),
  };
}
