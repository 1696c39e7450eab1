import assert from "node:assert/strict";
import path from "node:path";
import type { AgentBlocks } from "../../../src/engine/agentBlocks";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { blocksFor } from "../../../src/engine/blockMath";
import type { EngineOptions } from "../../../src/engine/engineOptions";
import { at } from "../../../src/engine/invariant";
import {
  type BlockId,
  type Grammar,
  type ModelRunner,
  noBlock,
  type PoolGeometry,
  type RunOptions,
  type SequenceStep,
} from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import type { Restore, RestoreTarget } from "../../../src/engine/restore";
import type { NativeModel, NativePool } from "../../../src/native/binding";
import { MlxRunner } from "../../../src/native/mlxRunner";
import { type BlockIdentity, createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore, type StoredBlock } from "../../../src/store/blockStore";
import { windowTwin } from "../../../src/store/windowFiles";
import { isWritable } from "../engine/engineRig";
import { checkRows, writtenBlocks } from "../engine/rowChecks";
import type { Filled, TrueAnswer, WorldDevice } from "../engine/world/device";
import { LoneReader, type Tables } from "./loneReader";

export type Geometry = Omit<PoolGeometry, "vocabSize">;

/**
 * The addon as a world's device: a pool with extra blocks at its end (and at the end of the window layers' blocks) that
 * the engine does not know, and a store on disk.
 */
export class NativeDevice implements WorldDevice {
  readonly engine: BlockPoolBatchEngine;
  readonly vocabSize: number;
  readonly exact: boolean;
  duringRun: () => Promise<void> = async () => {};
  /** The blocks that came from disk. */
  loadedTokens = 0;
  loadedWindowBlocks = 0;
  readonly runner: MlxRunner;
  private readonly geometry: PoolGeometry;
  private readonly truth: LoneReader;
  private readonly identity: BlockIdentity;
  private readonly store: BlockStore;
  /** Called during a run, so that callers act at the same time. */
  private readonly beside: Promise<void>[] = [];

  static async start(
    model: NativeModel,
    folder: string,
    geometry: Geometry,
    options: EngineOptions,
  ): Promise<NativeDevice> {
    const { totalBlocks, blockTokens, maxContextTokens, window } = geometry;
    const hidden = blocksFor(maxContextTokens, blockTokens);
    const windowBlocks = window === undefined ? 0 : window.totalBlocks + hidden;
    const pool = await model.createPool(totalBlocks + hidden, blockTokens, windowBlocks);
    return new NativeDevice(model, pool, folder, geometry, options, await someGrammar(model));
  }

  private constructor(
    { info }: NativeModel,
    private readonly pool: NativePool,
    folder: string,
    geometry: Geometry,
    options: EngineOptions,
    readonly grammar: Grammar,
  ) {
    const { weightsId, architectureId, kvDtype, kvLayoutId, numericsId, vocabSize } = info;
    this.vocabSize = vocabSize;
    this.exact = info.ops === "cpu";
    const { blockTokens } = geometry;
    this.identity = { weightsId, architectureId, kvDtype, blockTokens, kvLayoutId, numericsId };
    this.store = new BlockStore(path.join(folder, "objects"));
    this.geometry = { ...geometry, vocabSize };
    this.truth = new LoneReader(pool, info, this.hiddenBlocks(), path.join(folder, "scratch"));
    this.runner = new MlxRunner(pool, info);
    const clock = { nowMs: () => performance.now() };
    const checked: ModelRunner = {
      geometry: this.geometry,
      run: (rows, runOptions) => this.run(rows, runOptions),
      copyBlock: (from, to, tokens) => this.runner.copyBlock(this.native(from), this.native(to), tokens),
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

  holds(cache: AgentBlocks): Promise<boolean> {
    return this.truth.agrees(cache.tokenIds, this.nativeTables(cache));
  }

  async save(cache: AgentBlocks): Promise<void> {
    const { table, windowTable } = this.nativeTables(cache);
    for (const [index, stored] of this.storedBlocks(cache.tokenIds).entries()) {
      await this.store.save(this.pool, this.identity, stored, at(table, index));
      const ofWindow = windowTable[index] ?? noBlock;
      if (ofWindow !== noBlock) await this.store.save(this.pool, this.identity, windowTwin(stored), ofWindow);
    }
  }

  async fill(restore: Restore, tokens: Int32Array, good: number): Promise<Filled> {
    const stored = this.storedBlocks(tokens);
    const targets = restore.targets.filter(({ start }) => start < good);
    const blocksOf = (some: readonly RestoreTarget[]) =>
      some.map(({ start }) => at(stored, start / this.pool.blockTokens));
    const loaded = await this.load(blocksOf(targets), targets);
    const loadedTokens = targets.slice(0, loaded).reduce((sum, target) => sum + target.tokens.length, 0);
    this.loadedTokens += loadedTokens;
    const ofWindow = restore.windowTargets;
    const window =
      ofWindow !== undefined && (await this.load(blocksOf(ofWindow).map(windowTwin), ofWindow)) === ofWindow.length;
    if (window) this.loadedWindowBlocks += ofWindow.length;
    return { numTokens: restore.foundTokens + loadedTokens, window };
  }

  plan(): void {
    throw new Error("a real device does not fail as planned");
  }

  planNothing(): void {}

  async dispose(): Promise<void> {
    this.engine.dispose();
    await this.pool.dispose();
  }

  /** Number of blocks found from the first on; asserts that no saved block is refused. */
  private async load(stored: readonly StoredBlock[], targets: readonly RestoreTarget[]): Promise<number> {
    const blocks = targets.map(({ block }) => this.native(block));
    const { loaded, refused } = await this.store.load(this.pool, this.identity, stored, blocks);
    assert.ok(refused === undefined || refused.code === "missing", refused?.reason);
    return loaded;
  }

  /** Converts the engine's block id to the pool's: the extra blocks come before those of the window layers. */
  private native(block: BlockId): BlockId {
    const { totalBlocks } = this.geometry;
    return block < totalBlocks ? block : block + this.pool.blocks - totalBlocks;
  }

  private nativeTables({ table, windowTable }: AgentBlocks): Required<Tables> {
    return { table, windowTable: windowTable.map((block) => this.native(block)) };
  }

  private hiddenBlocks(): Tables {
    const { totalBlocks, window } = this.geometry;
    const count = this.pool.blocks - totalBlocks;
    const from = (first: BlockId) => Array.from({ length: count }, (_, index) => first + index);
    const table = from(totalBlocks);
    return window === undefined ? { table } : { table, windowTable: from(this.pool.blocks + window.totalBlocks) };
  }

  /** Full blocks, and the tail as a file named like them. */
  private storedBlocks(tokens: Int32Array): readonly StoredBlock[] {
    const full = this.store.chain(this.identity, tokens);
    const start = full.length * this.pool.blockTokens;
    if (start === tokens.length) return full;
    const parent = full.at(-1)?.key ?? createBlockHasher(this.identity).root;
    return [...full, this.store.block(this.identity, parent, start, tokens.subarray(start))];
  }

  /** Asserts that written blocks belong to the row alone at the start and at the end of the run. */
  private async run(rows: readonly SequenceStep[], options: RunOptions): Promise<void> {
    const { geometry } = this;
    checkRows(rows, options.steps, geometry);
    const written = rows.flatMap((row) => writtenBlocks(row, options.steps, geometry));
    this.assertWritable(written);
    const native = rows.map(({ windowTable, ...row }) =>
      windowTable === undefined ? row : { ...row, windowTable: windowTable.map((block) => this.native(block)) },
    );
    const run = this.runner.run(native, {
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
      assert.ok(isWritable(this.engine, block), `block ${block} is written while others hold or may find it`);
    }
  }
}

/** Ids are letters: some that choose, some that leave no choice, and an end now and then. Ids 1 to 7 are stop ids. */
async function someGrammar(model: NativeModel): Promise<Grammar> {
  const none = new Int32Array(0);
  const vocabulary = await model.createVocabulary({
    bytes: Uint8Array.from({ length: 34 }, (_, id) => (id < 8 ? 65 : 89) + id),
    ends: Int32Array.from({ length: 34 }, (_, id) => id + 1),
    controlIds: none,
    markIds: none,
  });
  const text = 'root ::= part*\npart ::= "a" | "b" "cde" | "f" [g-n] "opq" | [r-z]{2,4} "s"';
  return model.compileGrammar({ kind: "ebnf", text, vocabulary });
}
