import assert from "node:assert/strict";
import path from "node:path";
import type { AgentBlocks } from "../../../src/engine/agentBlocks";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { blocksFor } from "../../../src/engine/blockMath";
import type { EngineOptions } from "../../../src/engine/engineOptions";
import type { ModelRunner, PoolGeometry, RunOptions, SequenceStep } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import type { Restore } from "../../../src/engine/restore";
import type { NativeModel, NativePool } from "../../../src/native/binding";
import { MlxRunner } from "../../../src/native/mlxRunner";
import { type BlockIdentity, createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore, type StoredBlock } from "../../../src/store/blockStore";
import { checkRows, writtenBlocks } from "../engine/rowChecks";
import type { TrueAnswer, WorldDevice } from "../engine/world/device";
import { LoneReader } from "./loneReader";

export type Geometry = Pick<PoolGeometry, "totalBlocks" | "blockTokens" | "maxContextTokens">;

/** The addon as a world's device: a pool with blocks at its end that the engine does not know, and a store on disk. */
export class NativeDevice implements WorldDevice {
  readonly engine: BlockPoolBatchEngine;
  readonly vocabSize: number;
  readonly exact: boolean;
  duringRun: () => Promise<void> = async () => {};
  /** Tokens that came from disk. */
  loadedTokens = 0;
  readonly runner: MlxRunner;
  private readonly geometry: PoolGeometry;
  private readonly truth: LoneReader;
  private readonly identity: BlockIdentity;
  private readonly store: BlockStore;
  /** What callers do beside the run under way. */
  private readonly beside: Promise<void>[] = [];

  static async start(
    model: NativeModel,
    folder: string,
    geometry: Geometry,
    options: EngineOptions,
  ): Promise<NativeDevice> {
    const { totalBlocks, blockTokens, maxContextTokens } = geometry;
    const pool = await model.createPool(totalBlocks + blocksFor(maxContextTokens, blockTokens), blockTokens);
    return new NativeDevice(model, pool, folder, geometry, options);
  }

  private constructor(
    { info }: NativeModel,
    private readonly pool: NativePool,
    folder: string,
    { totalBlocks, blockTokens, maxContextTokens }: Geometry,
    options: EngineOptions,
  ) {
    const { weightsId, architectureId, kvDtype, kvLayoutId, numericsId, vocabSize } = info;
    this.vocabSize = vocabSize;
    this.exact = info.ops === "cpu";
    this.identity = { weightsId, architectureId, kvDtype, blockTokens, kvLayoutId, numericsId };
    this.store = new BlockStore(path.join(folder, "objects"));
    const hidden = Array.from({ length: pool.blocks - totalBlocks }, (_, index) => totalBlocks + index);
    this.truth = new LoneReader(pool, info, hidden, path.join(folder, "scratch"));
    this.runner = new MlxRunner(pool, info);
    const clock = { nowMs: () => performance.now() };
    this.geometry = { totalBlocks, blockTokens, maxContextTokens, vocabSize };
    const checked: ModelRunner = {
      geometry: this.geometry,
      run: (rows, runOptions) => this.run(rows, runOptions),
      copyBlock: (from, to, tokens) => this.runner.copyBlock(from, to, tokens),
    };
    this.engine = new BlockPoolBatchEngine(checked, createBlockHasher(this.identity), clock, {
      checked: true,
      ...options,
    });
  }

  async step(): Promise<boolean> {
    const { progressed } = await this.engine.step();
    await Promise.all(this.beside.splice(0));
    this.engine.assertInvariants();
    return progressed;
  }

  trueAnswer(request: GenerationRequest): Promise<TrueAnswer> {
    return this.truth.answer(request);
  }

  async holds(cache: AgentBlocks): Promise<boolean> {
    const expected = await this.truth.blocksOf(cache.tokenIds);
    const held = await this.truth.bytesOf(cache.table, cache.numTokens);
    return held.every((bytes, index) => expected[index]?.equals(bytes));
  }

  async save(cache: AgentBlocks): Promise<void> {
    const { table } = cache;
    for (const [index, stored] of this.storedBlocks(cache.tokenIds).entries()) {
      await this.store.save(this.pool, this.identity, stored, table[index] ?? -1);
    }
  }

  async fill(restore: Restore, tokens: Int32Array, good: number): Promise<number> {
    const targets = restore.targets.filter(({ start }) => start < good);
    const found = restore.foundTokens / this.pool.blockTokens;
    const stored = this.storedBlocks(tokens).slice(found, found + targets.length);
    const { loaded, refused } = await this.store.load(
      this.pool,
      this.identity,
      stored,
      targets.map(({ block }) => block),
    );
    assert.ok(refused === undefined || refused.code === "missing", refused?.reason);
    const loadedTokens = stored.slice(0, loaded).reduce((sum, block) => sum + block.tokens.length, 0);
    this.loadedTokens += loadedTokens;
    return restore.foundTokens + loadedTokens;
  }

  failNext(): void {
    throw new Error("a real device does not fail as planned");
  }

  async dispose(): Promise<void> {
    this.engine.dispose();
    await this.pool.dispose();
  }

  /** Full blocks, and the tail as a file named like them. */
  private storedBlocks(tokens: Int32Array): readonly StoredBlock[] {
    const full = this.store.chain(this.identity, tokens);
    const start = full.length * this.pool.blockTokens;
    if (start === tokens.length) return full;
    const parent = full.at(-1)?.key ?? createBlockHasher(this.identity).root;
    return [...full, this.store.block(this.identity, parent, start, tokens.subarray(start))];
  }

  /** What is written must be the row's alone when the run begins and when it is over. */
  private async run(rows: readonly SequenceStep[], options: RunOptions): Promise<void> {
    const { geometry } = this;
    checkRows(rows, options.steps, geometry);
    const written = rows.flatMap((row) => writtenBlocks(row, options.steps, geometry));
    this.assertWritable(written);
    const run = this.runner.run(rows, {
      ...options,
      onTokens: (tokens) => {
        options.onTokens(tokens);
        this.beside.push(this.duringRun());
      },
    });
    this.beside.push(this.duringRun());
    await run;
    this.assertWritable(written);
  }

  private assertWritable(blocks: readonly number[]): void {
    for (const block of blocks) {
      assert.ok(this.engine.pool.isWritable(block), `block ${block} is written while others hold or may find it`);
    }
  }
}
