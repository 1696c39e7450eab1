import { closeSync, openSync, readSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
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
  /** Directory of the model whose first decode steps are timed. */
  readonly modelDirectory: string;
  /** Block files are written here and removed again. */
  readonly scratch: string;
  readonly hotRuns: number;
  /** Bytes that one geometry may read in its warm runs, which bounds the time. At least 3 runs are made. */
  readonly warmBytes: number;
}

interface Case {
  readonly blocks: number;
  readonly layers: number;
}

/** For the 95th percentile. The specification asks for 5, 10 and 15 ms, which table moves never come near. */
const targets = { reconstructMs: 0.1, extractMs: 0.1, roundTripMs: 0.2 } as const;

/** Least share of the machine's own rate: a restore against a raw read of the same files, copies against memcpy. */
const leastOfFloor = 0.8;

const cases: readonly Case[] = [
  { blocks: 1, layers: 12 },
  { blocks: 4, layers: 24 },
  { blocks: 32, layers: 48 },
];

/** Size of one raw read. */
const pieceBytes = 4 * 1024 * 1024;

/** More than a processor's cache holds. */
const copyBytes = 64 * 1024 * 1024;

/** K and V of an 8B model: 8 heads × 128, 16 bit, 256 tokens a block. */
const shape = { kvHeads: 8, headDim: 128, dtype: "f16", blockTokens: 256 } as const;

/**
 * EXP-006: an agent's cache becomes a live sequence and a cache again. Hot is a table move in the pool; warm reads and
 * verifies the blocks' files. The floors are memcpy and raw read of the same bytes in the same run. The last
 * rows are the cost of a reconstruct in the first decode step.
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
    row("reconstruct", reconstruct, targets.reconstructMs),
    row("extract", extract, targets.extractMs),
    row("round trip", roundTrip, targets.roundTripMs),
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
  const pool = await options.addon().createBarePool({ ...shape, layers: one.layers, blocks: one.blocks + 1 });
  const files = Array.from({ length: one.blocks }, (_, block) =>
    path.join(scratch, `${name.replaceAll(" ", "")}-${block}`),
  );
  const [asMuch, small] = [pagedBuffer(bytes + 2 * pieceBytes), pagedBuffer(2 * pieceBytes)];
  const [from, to] = [Buffer.alloc(copyBytes, 1), Buffer.alloc(copyBytes, 2)];
  const [other, another] = [Buffer.alloc(copyBytes, 3), Buffer.alloc(copyBytes, 4)];
  // The memory that a measured copy or read writes must not be in the processor's cache.
  const coolDown = () => other.copy(another);
  const times = { restored: [] as number[], raw: [] as number[], cached: [] as number[] };
  const copies = { inPool: [] as number[], memcpy: [] as number[] };
  try {
    for (const [block, file] of files.entries()) {
      await pool.writeBlockFile({ block, tokens: shape.blockTokens, path: file, metadata: { case: name } });
    }
    const runs = Math.max(3, Math.min(options.hotRuns, Math.floor(options.warmBytes / bytes)));
    for (let i = 0; i < runs; i += 1) {
      throwIfAborted(run.signal);
      coolDown();
      times.raw.push(await timed(async () => readAll(files, asMuch)));
      coolDown();
      times.restored.push(await timed(() => restoreAll(pool, files, name)));
      times.cached.push(await timed(async () => readAll(files, small)));
      coolDown();
      copies.inPool.push(await timed(() => copyInPool(pool, one.blocks)));
      coolDown();
      copies.memcpy.push(await timed(async () => copyAll({ from, to, bytes })));
    }
    const shared = { geometry: geometryText(one), bytes };
    const row = (what: string, own: readonly number[], floor: readonly number[]): BenchRow => ({
      case: `${what}, ${name}, of the floor`,
      ...percentiles(own),
      ...shared,
      ratio: percentiles(floor).p50Ms / percentiles(own).p50Ms,
      targetRatio: leastOfFloor,
    });
    const floor = (what: string, samples: readonly number[]): BenchRow => ({
      case: `floor: ${what}, ${name}`,
      ...percentiles(samples),
      ...shared,
    });
    return [
      row("restore from disk (page cache hot)", times.restored, times.raw),
      row("copy within the pool", copies.inPool, copies.memcpy),
      floor("raw read into as much memory", times.raw),
      floor("raw read into 8 MB again and again", times.cached),
      floor("memcpy", copies.memcpy),
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

async function copyInPool(pool: NativePool, blocks: number): Promise<void> {
  const copies = Array.from({ length: blocks }, (_, block) => pool.copyBlock(block, blocks, shape.blockTokens));
  await Promise.all(copies);
}

/** One of Node's globals. Its memory begins at a page, as slabs do. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** Some processors copy from the page cache at a quarter of the speed to memory that does not begin at a page. */
function pagedBuffer(bytes: number): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) }).buffer).fill(1);
}

/** Reads the files' bytes into `buffer`, from its start again when it is full, without checks, on the calling thread. */
function readAll(files: readonly string[], buffer: Buffer): void {
  let at = 0;
  for (const file of files) {
    const descriptor = openSync(file, "r");
    try {
      for (let read = -1; read !== 0; ) {
        read = readSync(descriptor, buffer, at, pieceBytes, null);
        at = at + read + pieceBytes > buffer.length ? 0 : at + read;
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Copies `bytes`, in pieces of the buffers' size where there are more. */
function copyAll({ from, to, bytes }: { readonly from: Buffer; readonly to: Buffer; readonly bytes: number }): void {
  for (let done = 0; done < bytes; done += from.length) from.copy(to, 0, 0, Math.min(from.length, bytes - done));
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

/** A cache whose blocks are treated as filled. */
function fullCache(engine: BlockPoolBatchEngine, blocks: number): AgentBlocks {
  const tokens = Int32Array.from({ length: blocks * shape.blockTokens }, (_, i) => i);
  return engine.beginRestore({ owner: "exp-006", tokens }).commit(tokens.length);
}
