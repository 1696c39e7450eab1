import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../src/common/errors";
import type { AgentBlocks } from "../../../src/engine/agentBlocks";
import type { Generation } from "../../../src/engine/generation";
import { greedy, type SamplingParams } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import type { Restore, RestoreTarget } from "../../../src/engine/restore";
import { windowBlocksFor } from "../../../src/engine/windowMath";
import { EngineRig, vocabSize } from "../../support/engine/engineRig";
import { referenceAnswer } from "../../support/engine/fakeModel";

/** Any interleaving of what callers may do, then every answer is compared with the reference and every block counted. */

const seed = 20_240_607;
const families = [11, 23, 37];

type Action =
  | {
      readonly type: "submit";
      readonly family: number;
      readonly shared: number;
      readonly extra: readonly number[];
      readonly maxTokens: number;
      readonly low: boolean;
      readonly stops: boolean;
      readonly sampling: number;
      readonly cache: number;
      readonly salt: boolean;
    }
  | { readonly type: "step" }
  | { readonly type: "abort" | "fork" | "release"; readonly pick: number }
  | { readonly type: "rewind" | "stop"; readonly pick: number; readonly keep: number }
  | { readonly type: "restore"; readonly family: number; readonly tokens: number; readonly good: number }
  | { readonly type: "commit"; readonly pick: number }
  | { readonly type: "fail"; readonly in: "run" | "copy"; readonly code: "INVALID_REQUEST" | "NATIVE_FAILURE" };

const pick = fc.nat({ max: 30 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("submit" as const),
      family: fc.nat({ max: families.length - 1 }),
      shared: fc.nat({ max: 24 }),
      extra: fc.array(fc.nat({ max: vocabSize - 1 }), { maxLength: 6 }),
      maxTokens: fc.nat({ max: 24 }),
      low: fc.boolean(),
      stops: fc.boolean(),
      sampling: fc.nat({ max: 2 }),
      cache: fc.nat({ max: 30 }),
      salt: fc.nat({ max: 9 }).map((value) => value === 0),
    }),
  },
  { weight: 9, arbitrary: fc.constant({ type: "step" as const }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("abort", "fork", "release"), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom("rewind", "stop"), pick, keep: fc.nat({ max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("restore" as const),
      family: fc.nat({ max: families.length - 1 }),
      tokens: fc.integer({ min: 1, max: 30 }),
      good: fc.nat({ max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("commit" as const), pick }) },
);

const failure: fc.Arbitrary<Action> = fc.record({
  type: fc.constant("fail" as const),
  in: fc.constantFrom("run" as const, "copy" as const),
  code: fc.constantFrom("INVALID_REQUEST" as const, "NATIVE_FAILURE" as const),
});

/** Long ones: what goes wrong goes wrong late. */
const script = fc.array(action, { minLength: 10, maxLength: 60, size: "max" });

const scriptWithFailures = fc.array(fc.oneof({ weight: 12, arbitrary: action }, { weight: 1, arbitrary: failure }), {
  minLength: 10,
  maxLength: 60,
  size: "max",
});

const limits = fc.record({
  totalBlocks: fc.integer({ min: 6, max: 40 }),
  blockTokens: fc.constantFrom(1, 2, 4, 5, 8),
  tokenBudget: fc.integer({ min: 6, max: 60 }),
  prefillChunkTokens: fc.integer({ min: 1, max: 20 }),
  maxStepsPerRun: fc.integer({ min: 1, max: 5 }),
  lookupTokensPerRun: fc.constantFrom(0, 0, 3, 8),
  maxSequences: fc.integer({ min: 1, max: 5 }),
  answersRoom: fc.constantFrom("no", "now", "later", "fails"),
  /** Tokens that layers with a window see, and how many blocks they have beside what one request needs; 0: no window. */
  windowTokens: fc.constantFrom(0, 0, 1, 3, 8, 20),
  spareWindowBlocks: fc.nat({ max: 30 }),
  slackTokens: fc.constantFrom(0, 0, 2, 9),
});

interface Started {
  readonly generation: Generation;
  readonly request: GenerationRequest;
}

function samplingOf(index: number): SamplingParams {
  if (index === 0) return greedy;
  return index === 1 ? { ...greedy, temperature: 1, seed: 99 } : { ...greedy, repetitionPenalty: 1.5 };
}

/** A world of callers around one engine. */
class World {
  readonly rig: EngineRig;
  readonly started: Started[] = [];
  readonly caches: AgentBlocks[] = [];
  readonly restores: { readonly restore: Restore; readonly tokens: Int32Array; readonly good: number }[] = [];
  private readonly inFlight = new Set<Promise<unknown>>();

  constructor({
    totalBlocks,
    blockTokens,
    answersRoom,
    windowTokens,
    spareWindowBlocks,
    slackTokens,
    ...options
  }: typeof limits extends fc.Arbitrary<infer T> ? T : never) {
    const stepTokens = Math.max(options.tokenBudget, options.maxStepsPerRun, options.lookupTokensPerRun);
    const window = {
      tokens: windowTokens,
      totalBlocks: spareWindowBlocks + windowBlocksFor({ tokens: windowTokens, slackTokens, stepTokens }, blockTokens),
    };
    this.rig = new EngineRig(
      { totalBlocks, blockTokens, maxContextTokens: 64, ...(windowTokens === 0 ? {} : { window }) },
      {
        ...options,
        windowSlackTokens: slackTokens,
        makeRoom: () => {
          if (answersRoom === "fails") throw new Error("no room can be made");
          if (answersRoom === "later") return Promise.resolve().then(() => this.dropOne());
          return answersRoom === "now" ? this.dropOne() : 0;
        },
      },
    );
  }

  async do(chosen: Action): Promise<void> {
    switch (chosen.type) {
      case "submit":
        return this.submit(chosen);
      case "step":
        await this.rig.step();
        return;
      case "abort":
        return this.someGeneration(chosen.pick)?.abort();
      case "stop":
        return this.someGeneration(chosen.pick)?.stop(chosen.keep % 6);
      case "fork": {
        const cache = this.someCache(chosen.pick);
        if (cache !== undefined) this.caches.push(cache.fork());
        return;
      }
      case "rewind": {
        const cache = this.someCache(chosen.pick);
        cache?.rewind(chosen.keep % (cache.numTokens + 1));
        return;
      }
      case "release":
        return this.takeCache(chosen.pick)?.release();
      case "restore": {
        const tokens = familyTokens(chosen.family, chosen.tokens);
        const restore = this.rig.engine.beginRestore({ owner: "restored", tokens });
        this.restores.push({ restore, tokens, good: chosen.good });
        return;
      }
      case "commit":
        return this.commit(chosen.pick);
      case "fail":
        this.rig.runner.failNext = { in: chosen.in, error: new ResidentError(chosen.code, "planned", "none") };
        return;
    }
  }

  private submit(chosen: Extract<Action, { type: "submit" }>): void {
    const cache = chosen.cache < 20 ? this.someCache(chosen.cache) : undefined;
    const base = cache === undefined ? familyTokens(chosen.family, chosen.shared) : cache.tokenIds;
    const kept = cache === undefined || chosen.shared % 3 > 0 ? base : base.subarray(0, chosen.shared);
    const salt = cache === undefined ? (chosen.salt ? "s" : undefined) : cache.salt;
    const request: GenerationRequest = {
      owner: `o${this.started.length % 4}`,
      tokens: Int32Array.from([...kept, ...chosen.extra]),
      ...(cache === undefined ? {} : { blocks: cache }),
      sampling: samplingOf(chosen.sampling),
      stopIds: chosen.stops ? [1, 2, 3, 4, 5, 6, 7] : [],
      maxTokens: chosen.maxTokens,
      priority: chosen.low ? "low" : "normal",
      ...(salt === undefined ? {} : { salt }),
    };
    const before = cache?.numTokens;
    try {
      const generation = this.rig.engine.submit(request);
      if (cache !== undefined) this.caches.splice(this.caches.indexOf(cache), 1);
      this.started.push({ generation, request: { ...request, tokens: request.tokens.slice() } });
      const kept = generation.result.then(
        (result) => this.caches.push(result.blocks),
        () => {},
      );
      this.inFlight.add(kept);
    } catch {
      assert.equal(cache?.numTokens, before, "a refused request leaves the cache as it was");
    }
  }

  private commit(index: number): void {
    const taken = this.restores.splice(this.restores.length === 0 ? 0 : index % this.restores.length, 1)[0];
    if (taken === undefined) return;
    const { restore, tokens, good } = taken;
    if (good % 5 === 0) {
      restore.cancel();
      return;
    }
    let filled = restore.foundTokens;
    const fill = (target: RestoreTarget) =>
      this.rig.runner.fill(target.block, target.start, tokens, target.tokens.length);
    for (const target of restore.targets) {
      if (filled >= good) break;
      fill(target);
      filled = target.start + target.tokens.length;
    }
    const windowTargets = good % 2 === 0 ? undefined : restore.windowTargets;
    windowTargets?.forEach(fill);
    this.caches.push(restore.commit(filled, windowTargets !== undefined));
  }

  /** Everything runs to its end; callers whose requests wait for room give theirs up. */
  async runOut(): Promise<void> {
    for (let rounds = 0; this.rig.engine.hasWork; rounds += 1) {
      assert.ok(rounds < 500, "requests wait for ever");
      await this.rig.settle();
      await Promise.all([Promise.resolve(), Promise.resolve()]);
      if (!this.rig.engine.hasWork) break;
      this.dropOne();
      this.restores.pop()?.restore.cancel();
    }
    await Promise.all(this.inFlight);
  }

  /** Every answer is the reference's, or the beginning of it that was asked for; every cache holds what it says. */
  async assertAnswers(): Promise<void> {
    for (const { generation, request } of this.started) {
      const result = await generation.result.catch((error: unknown) => this.assertPlanned(error));
      if (result === undefined) continue;
      const { finishReason, tokenIds, figures } = result;
      const expected = referenceAnswer(request, vocabSize);
      assert.deepEqual(tokenIds, expected.slice(0, tokenIds.length));
      if (finishReason === "length") assert.equal(tokenIds.length, request.maxTokens);
      assert.equal(figures.generatedTokens, tokenIds.length);
      assert.equal(figures.promptTokens, request.tokens.length);
      if (finishReason !== "aborted" && tokenIds.length > 0) {
        assert.equal(figures.reusedTokens + figures.prefilledTokens, figures.promptTokens);
      }
    }
    for (const cache of this.caches) {
      assert.ok(cache.stale || this.rig.runner.holds(cache.table, cache.tokenIds));
      assert.ok(cache.stale || this.rig.runner.holds(cache.windowTable, cache.tokenIds));
    }
  }

  private assertPlanned(error: unknown): undefined {
    assert.ok(error instanceof ResidentError && error.what === "planned", String(error));
  }

  releaseAll(): void {
    for (const { restore } of this.restores.splice(0)) restore.cancel();
    for (const cache of this.caches.splice(0)) cache.release();
    this.rig.assertEmpty();
  }

  private dropOne(): number {
    const cache = this.caches.shift();
    const held = cache?.table.length ?? 0;
    cache?.release();
    return held;
  }

  private someGeneration(index: number): Generation | undefined {
    return this.started[this.started.length - 1 - (index % Math.max(1, this.started.length))]?.generation;
  }

  private someCache(index: number): AgentBlocks | undefined {
    return this.caches[index % Math.max(1, this.caches.length)];
  }

  private takeCache(index: number): AgentBlocks | undefined {
    return this.caches.splice(index % Math.max(1, this.caches.length), 1)[0];
  }
}

function familyTokens(family: number, count: number): Int32Array {
  const step = families[family] ?? 1;
  return Int32Array.from({ length: count }, (_, index) => (index * step) % vocabSize);
}

describe("BlockPoolBatchEngine, any interleaving", () => {
  it("gives every accepted request the reference's answer and loses no block, whatever callers do between steps", async () => {
    await fc.assert(
      fc.asyncProperty(limits, script, async (options, actions) => {
        const world = new World(options);
        for (const chosen of actions) {
          await world.do(chosen);
          world.rig.engine.assertInvariants();
        }
        await world.runOut();
        await world.assertAnswers();
        world.releaseAll();
      }),
      { seed, numRuns: 300 },
    );
  }).timeout(60_000);

  it("answers right or fails as planned when the device fails now and then, and loses no block", async () => {
    await fc.assert(
      fc.asyncProperty(limits, scriptWithFailures, async (options, actions) => {
        const world = new World(options);
        for (const chosen of actions) {
          await world.do(chosen);
          world.rig.engine.assertInvariants();
        }
        await world.runOut();
        await world.assertAnswers();
        world.releaseAll();
      }),
      { seed: seed + 2, numRuns: 300 },
    );
  }).timeout(60_000);

  it("gives the same answers when callers act while the device is at work", async () => {
    await fc.assert(
      fc.asyncProperty(limits, script, async (options, actions) => {
        const world = new World(options);
        const left = [...actions];
        let nested = false;
        world.rig.runner.beforeStep = async () => {
          const next = left[0];
          if (next === undefined || next.type === "step" || nested) return;
          nested = true;
          left.shift();
          await world.do(next);
          nested = false;
        };
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          await world.do(next);
          world.rig.engine.assertInvariants();
        }
        await world.runOut();
        await world.assertAnswers();
        world.releaseAll();
      }),
      { seed: seed + 1, numRuns: 300 },
    );
  }).timeout(60_000);
});
