import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import path from "node:path";
import { throwIfAborted } from "../common/errors";
import type { AgentBlocks } from "../engine/agentBlocks";
import { BlockPoolBatchEngine } from "../engine/batchEngine";
import type { BlockHasher, ModelRunner } from "../engine/ports";
import type { NativeAddon, NativePool } from "../native/binding";
import type { BenchRow } from "../protocol/service";
import { firstStepRows } from "./exp006Steps";
import { percentiles } from "./statistics";
import type { Suite, SuiteRun } from "./suite";

export interface Exp006Options {
  /** An instance of the addon that has no model yet. */
  readonly addon: () => Pick<NativeAddon, "createBarePool" | "loadModel">;
  /** Of the model whose first decode steps are timed. */
  readonly modelDirectory: string;
  /** Block files are written here and removed again. */
  readonly scratch: string;
  readonly hotRuns: number;
  /** Bytes that one geometry may read in its warm runs: bounds the time, never below 3 runs. */
  readonly warmBytes: number;
}

interface Case {
  readonly blocks: number;
  readonly layers: number;
  /** The specification's targets. */
  readonly reconstructMs: number;
  readonly extractMs: number;
  readonly roundTripMs: number;
}

const targets = { reconstructMs: 5, extractMs: 10, roundTripMs: 15 } as const;

const cases: readonly Case[] = [
  { blocks: 1, layers: 12, ...targets },
  { blocks: 4, layers: 24, ...targets },
  { blocks: 32, layers: 48, ...targets },
];

/** K and V of an 8B model: 8 heads × 128, 16 bit, 256 tokens a block. */
const shape = { kvHeads: 8, headDim: 128, dtype: "f16", blockTokens: 256 } as const;

/**
 * EXP-006: an agent's cache becomes a live sequence and a cache again. Hot is a table move in the pool; warm reads and
 * verifies the blocks' files. Beside them stand the floors: memcpy and raw read of the same bytes in the same run. What
 * a reconstruct puts off to the first decode step stands below.
 */
export function exp006Suite(options: Exp006Options): Suite {
  return async (run) => {
    const rows: BenchRow[] = [];
    const total = cases.length + 1;
    await mkdir(options.scratch, { recursive: true });
    const scratch = await mkdtemp(path.join(options.scratch, "exp-006-"));
    try {
      for (const [i, one] of cases.entries()) {
        const name = `${one.blocks} × ${one.layers}`;
        run.onProgress({ done: i, total, unit: "runs", message: `${name} blocks × layers` });
        rows.push(...hotRows(name, one, options), ...(await warmRows(name, one, options, scratch, run)));
      }
      run.onProgress({ done: cases.length, total, unit: "runs", message: "first decode steps" });
      rows.push(...(await firstStepRows(options.addon(), options.modelDirectory, run.signal)));
      return rows;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };
}

const blockBytes = (layers: number) => 2 * layers * shape.blockTokens * shape.kvHeads * shape.headDim * 2;

function geometryText(one: Case): string {
  return `${one.blocks} blocks × ${shape.blockTokens} tokens, ${one.layers} layers, ${shape.kvHeads} heads × ${shape.headDim}, ${shape.dtype}`;
}

function hotRows(name: string, one: Case, options: Exp006Options): readonly BenchRow[] {
  const engine = tableEngine(one);
  let cache = fullCache(engine, one.blocks);
  const reconstruct: number[] = [];
  const extract: number[] = [];
  const roundTrip: number[] = [];
  for (let i = 0; i < options.hotRuns; i += 1) {
    const start = performance.now();
    const sequence = engine.reconstructCache(cache);
    const middle = performance.now();
    cache = engine.extractCache(sequence);
    const end = performance.now();
    reconstruct.push(middle - start);
    extract.push(end - middle);
    roundTrip.push(end - start);
  }
  cache.release();
  engine.dispose();
  const shared = { geometry: geometryText(one), bytes: one.blocks * blockBytes(one.layers) };
  const row = (what: string, samples: readonly number[], targetMs: number): BenchRow => ({
    case: `${what}, ${name}, hot`,
    ...percentiles(samples),
    ...shared,
    targetMs,
  });
  return [
    row("reconstruct", reconstruct, one.reconstructMs),
    row("extract", extract, one.extractMs),
    row("round trip", roundTrip, one.roundTripMs),
  ];
}

async function warmRows(
  name: string,
  one: Case,
  options: Exp006Options,
  scratch: string,
  run: SuiteRun,
): Promise<readonly BenchRow[]> {
  const bytes = one.blocks * blockBytes(one.layers);
  const pool = await options.addon().createBarePool({ ...shape, layers: one.layers, blocks: one.blocks });
  const files = Array.from({ length: one.blocks }, (_, block) =>
    path.join(scratch, `${name.replaceAll(" ", "")}-${block}`),
  );
  try {
    for (const [block, file] of files.entries()) {
      await pool.writeBlockFile({ block, tokens: shape.blockTokens, path: file, metadata: { case: name } });
    }
    const runs = Math.max(3, Math.min(options.hotRuns, Math.floor(options.warmBytes / bytes)));
    const restored: number[] = [];
    const raw: number[] = [];
    const copied: number[] = [];
    for (let i = 0; i < runs; i += 1) {
      throwIfAborted(run.signal);
      raw.push(await timed(() => readAll(files)));
      restored.push(await timed(() => restoreAll(pool, files, name)));
      copied.push(copyAll(bytes));
    }
    const shared = { geometry: geometryText(one), bytes };
    const rawMs = percentiles(raw).p50Ms;
    const restore = percentiles(restored);
    return [
      { case: `restore from disk, ${name}, page cache hot`, ...restore, ...shared, overRawRead: restore.p50Ms / rawMs },
      { case: `floor: raw read, ${name}`, ...percentiles(raw), ...shared },
      { case: `floor: memcpy, ${name}`, ...percentiles(copied), ...shared },
    ];
  } finally {
    await pool.dispose();
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }
}

async function timed(body: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

async function restoreAll(pool: NativePool, files: readonly string[], name: string): Promise<void> {
  const results = await Promise.all(
    files.map((file, block) =>
      pool.readBlockFile({ block, tokens: shape.blockTokens, path: file, expect: { case: name } }),
    ),
  );
  const refused = results.find((result) => result !== undefined);
  if (refused !== undefined) throw new Error(`a block that was just written was refused: ${JSON.stringify(refused)}`);
}

/** The same bytes into a buffer that is used again, as a reader without checks would. */
async function readAll(files: readonly string[]): Promise<void> {
  const buffer = Buffer.allocUnsafe(8 * 1024 * 1024);
  for (const file of files) {
    const handle = await open(file);
    try {
      while ((await handle.read(buffer, 0, buffer.length)).bytesRead > 0);
    } finally {
      await handle.close();
    }
  }
}

/** Milliseconds that copying `bytes` takes, in pieces of at most 64 MB that do not fit a cache. */
function copyAll(bytes: number): number {
  const piece = Math.min(bytes, 64 * 1024 * 1024);
  const from = Buffer.alloc(piece, 1);
  const to = Buffer.alloc(piece, 2);
  const start = performance.now();
  for (let done = 0; done < bytes; done += piece) from.copy(to, 0, 0, Math.min(piece, bytes - done));
  return performance.now() - start;
}

/** An engine for table moves: nothing is ever run on it. */
function tableEngine(one: Case): BlockPoolBatchEngine {
  const refuse = () => Promise.reject(new Error("EXP-006 moves tables and runs nothing"));
  const runner: ModelRunner = {
    geometry: {
      totalBlocks: one.blocks * 2,
      blockTokens: shape.blockTokens,
      maxContextTokens: one.blocks * shape.blockTokens,
      vocabSize: 1 << 16,
    },
    run: refuse,
    copyBlock: refuse,
  };
  const hasher: BlockHasher = { root: "exp-006", next: (parent, tokens) => `${parent.slice(-12)}/${tokens[0] ?? 0}` };
  return new BlockPoolBatchEngine(runner, hasher, { nowMs: () => performance.now() });
}

/** A cache whose blocks count as filled. */
function fullCache(engine: BlockPoolBatchEngine, blocks: number): AgentBlocks {
  const tokens = Int32Array.from({ length: blocks * shape.blockTokens }, (_, i) => i);
  return engine.beginRestore({ owner: "exp-006", tokens }).commit(tokens.length);
}
