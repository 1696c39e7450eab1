import assert from "node:assert/strict";
import type { Log } from "../../../src/common/log";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import type { EngineOptions } from "../../../src/engine/engineOptions";
import type { Generation, GenerationEvent, GenerationResult } from "../../../src/engine/generation";
import { type BlockId, greedy, type PoolGeometry } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import { referenceAnswer } from "./fakeModel";
import { FakeClock, FakeHasher } from "./fakePorts";
import { FakeRunner } from "./fakeRunner";

export const vocabSize = 61;

/** An engine over the fake device, with every check on, stepped by hand. */
export class EngineRig {
  readonly runner: FakeRunner;
  readonly clock = new FakeClock();
  readonly hasher = new FakeHasher();
  readonly engine: BlockPoolBatchEngine;
  readonly logged: string[] = [];

  constructor(geometry: Partial<PoolGeometry> = {}, options: EngineOptions = {}) {
    this.runner = new FakeRunner({
      totalBlocks: 32,
      blockTokens: 4,
      maxContextTokens: 256,
      vocabSize,
      ...geometry,
    });
    const log: Log = { log: (_, message) => this.logged.push(message) };
    this.engine = new BlockPoolBatchEngine(this.runner, this.hasher, this.clock, { checked: true, log, ...options });
    this.runner.mayWrite = (block) => isWritable(this.engine, block);
  }

  /** A greedy request of owner "a" without stop ids, changed by the given fields. */
  submit(request: Partial<GenerationRequest> & Pick<GenerationRequest, "tokens">): Generation {
    return this.engine.submit({ owner: "a", sampling: greedy, stopIds: [], maxTokens: 4, ...request });
  }

  async step(): Promise<boolean> {
    const { progressed } = await this.engine.step();
    this.clock.advance(1);
    this.engine.assertInvariants();
    return progressed;
  }

  settle(): Promise<void> {
    return settle(this.engine, () => this.step());
  }

  async finish(generation: Generation): Promise<GenerationResult> {
    await this.settle();
    return generation.result;
  }

  /** Submits a request, runs it alone to its end, and returns the result. */
  async complete(request: Partial<GenerationRequest> & Pick<GenerationRequest, "tokens">): Promise<GenerationResult> {
    return this.finish(this.submit(request));
  }

  expected(tokens: Int32Array, maxTokens: number): number[] {
    return referenceAnswer({ tokens, maxTokens }, vocabSize);
  }

  assertEmpty(): void {
    assertEmpty(this.engine);
  }
}

/** Steps until a step makes no progress. */
export async function settle(engine: BlockPoolBatchEngine, step: () => Promise<boolean>): Promise<void> {
  for (let steps = 0; engine.hasWork; steps += 1) {
    assert.ok(steps < 2_000, "the engine does not come to an end");
    if (!(await step())) return;
  }
}

/** Asserts that no block is held or reserved and no table is left. */
export function assertEmpty(engine: BlockPoolBatchEngine): void {
  for (const pool of [engine.pool, engine.windowPool]) {
    if (pool === undefined) continue;
    assert.equal(pool.referencedBlocks, 0);
    assert.equal(pool.reservedBlocks, 0);
    assert.equal(pool.freeBlocks + pool.reusableBlocks, pool.totalBlocks);
  }
  engine.assertInvariants();
}

/** Whether the block, of any layers, has one holder and cannot be found. */
export function isWritable({ pool, windowPool }: BlockPoolBatchEngine, block: BlockId): boolean {
  return block < pool.endBlock ? pool.isWritable(block) : windowPool?.isWritable(block) === true;
}

/** `count` ids that differ from those of another `variant` from `from` on. */
export function prompt(count: number, variant = 0, from = 0): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => (index * 7 + (index >= from ? variant * 13 : 0)) % vocabSize);
}

export function record(generation: Generation): GenerationEvent[] {
  const events: GenerationEvent[] = [];
  generation.onEvent((event) => events.push(event));
  return events;
}
