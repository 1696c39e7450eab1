import assert from "node:assert/strict";
import { ResidentError } from "../../../../src/common/errors";
import type { AgentBlocks } from "../../../../src/engine/agentBlocks";
import { blocksFor } from "../../../../src/engine/blockMath";
import type { Generation } from "../../../../src/engine/generation";
import { at } from "../../../../src/engine/invariant";
import { greedy, type SamplingParams } from "../../../../src/engine/ports";
import type { GenerationRequest } from "../../../../src/engine/request";
import type { Restore, RestoreRequest } from "../../../../src/engine/restore";
import { assertEmpty, settle } from "../engineRig";
import { type Action, type Fault, families, type IdleCaches } from "./actions";
import type { WorldDevice } from "./device";

interface Started {
  readonly generation: Generation;
  readonly request: GenerationRequest;
  readonly logprobs: readonly number[];
}

interface Restoring {
  readonly restore: Restore;
  readonly tokens: Int32Array;
  readonly good: number;
}

type Saved = Pick<AgentBlocks, "tokenIds" | "salt">;

/** `logprobs: -1` shows a difference in the last bit that does not change the token. */
const samplings: readonly SamplingParams[] = [
  greedy,
  { ...greedy, temperature: 1, seed: 99, logprobs: -1 },
  { ...greedy, repetitionPenalty: 1.5, presencePenalty: 0.2, frequencyPenalty: 0.1, logprobs: -1 },
  { ...greedy, temperature: 0.8, topK: 9, topP: 0.9, minP: 0.02, seed: 2 ** 40 + 7, logitBias: new Map([[3, 0.5]]) },
  { ...greedy, logprobs: -1 },
];

/** Number of saved caches to check, the newest ones: more would show nothing new. */
const mostRoundTrips = 3;

export interface WorldOptions {
  readonly idleCaches: IdleCaches;
  /** Factor of the lengths of prompts and caches in a script. */
  readonly scale?: number;
  /** Factor of the lengths of answers. */
  readonly answerScale?: number;
}

/** Plays a script to its end, compares every answer with the true one, and counts every block. */
export async function play(world: World, actions: readonly Action[]): Promise<void> {
  await world.play([...actions]);
  await end(world);
}

/** The same, but callers also act while the device computes. */
export async function playBeside(world: World, actions: readonly Action[]): Promise<void> {
  const left = [...actions];
  let acting = false;
  world.device.duringRun = async () => {
    const next = left[0];
    if (next === undefined || next.type === "step" || acting) return;
    acting = true;
    left.shift();
    await world.do(next);
    acting = false;
  };
  await world.play(left);
  await end(world);
}

async function end(world: World): Promise<void> {
  await world.runOut();
  await world.assertAnswers();
  await world.goRoundByDisk();
  world.releaseAll();
}

/** A world of callers around one engine. */
export class World {
  readonly started: Started[] = [];
  private readonly saved: Saved[] = [];
  private readonly restores: Restoring[] = [];
  private readonly inFlight = new Set<Promise<unknown>>();

  private readonly caches: AgentBlocks[] = [];
  private readonly scale: number;
  private readonly answerScale: number;
  private woken = false;
  private idleCaches: IdleCaches;
  private numIdle = 0;
  /** The script is over: work that begins now must end soon. */
  private isOver = false;

  constructor(
    readonly device: WorldDevice,
    { idleCaches, scale = 1, answerScale = 1 }: WorldOptions,
  ) {
    this.idleCaches = idleCaches;
    this.scale = scale;
    this.answerScale = answerScale;
    device.engine.onWork(() => {
      this.woken = true;
    });
  }

  /** Takes actions from `left` one after the other; other callers may take from it meanwhile. */
  async play(left: Action[]): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await this.do(next);
      this.device.engine.assertInvariants();
    }
  }

  async do(chosen: Action): Promise<void> {
    switch (chosen.type) {
      case "submit":
        return this.submit(chosen);
      case "step":
        await this.device.step();
        return;
      case "abort":
        return this.someGeneration(chosen.pick)?.abort();
      case "stop":
        return this.someGeneration(chosen.pick)?.stop(chosen.keep % 6);
      case "fork": {
        const cache = this.someCache(chosen.pick);
        if (cache !== undefined) this.keep(cache.fork());
        return;
      }
      case "rewind": {
        const cache = this.someCache(chosen.pick);
        cache?.rewind((chosen.keep * this.scale) % (cache.numTokens + 1));
        return;
      }
      case "release":
        return this.takeCache(chosen.pick)?.release();
      case "save":
        return this.save(chosen.pick);
      case "restore":
        return this.restore(chosen);
      case "commit":
        return this.commit(chosen.pick);
      case "fail":
        return this.device.plan(chosen.what, plannedError(chosen.what));
    }
  }

  /**
   * No further call comes: all caches are idle from now on, and restores end. Then everything must run to its end by
   * the engine's own events; otherwise some work would wait for ever.
   */
  async runOut(): Promise<void> {
    const { engine } = this.device;
    if (this.idleCaches === "none") this.idleCaches = "saved";
    // A cache that becomes idle may be dropped at once, or make the engine drop others.
    for (const cache of [...this.caches]) if (this.caches.includes(cache)) this.leaveIdle(cache);
    for (const { restore } of this.restores.splice(0)) restore.cancel();
    this.isOver = true;
    this.woken = true;
    for (let rounds = 0; this.woken; rounds += 1) {
      assert.ok(rounds < 2_000, "the engine finds no rest");
      this.woken = false;
      await settle(engine, () => this.device.step());
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(engine.hasWork, false, "requests wait for ever");
    await Promise.race([Promise.all(this.inFlight), rejectSoon("a restore waits for ever")]);
    this.isOver = false;
  }

  /** Asserts that every answer is the true one, or the requested beginning of it, and that every cache is right. */
  async assertAnswers(): Promise<void> {
    for (const { generation, request, logprobs } of this.started) {
      const result = await generation.result.catch(assertPlanned);
      if (result === undefined) continue;
      const { finishReason, tokenIds, figures } = result;
      if (this.device.exact) {
        const expected = await this.device.trueAnswer(request);
        assert.deepEqual(tokenIds, expected.tokenIds.slice(0, tokenIds.length));
        if (expected.logprobs !== undefined) {
          assert.deepEqual(logprobs.slice(0, tokenIds.length), expected.logprobs.slice(0, tokenIds.length));
        }
      }
      if (finishReason === "length") assert.equal(tokenIds.length, request.maxTokens);
      assert.equal(figures.generatedTokens, tokenIds.length);
      assert.equal(figures.promptTokens, request.tokens.length);
      if (finishReason !== "aborted" && tokenIds.length > 0) {
        assert.equal(figures.reusedTokens + figures.prefilledTokens, figures.promptTokens);
      }
    }
    for (const cache of this.caches) {
      assert.ok(!this.device.exact || cache.stale || (await this.device.holds(cache)), "a cache holds something else");
    }
  }

  /** Asserts that saved and released caches can be restored from disk unchanged and continued. */
  async goRoundByDisk(): Promise<void> {
    const { device } = this;
    device.planNothing();
    this.dropAll();
    for (const { tokenIds, salt } of this.saved.splice(0).slice(-mostRoundTrips)) {
      for (const pool of [device.engine.pool, device.engine.windowPool]) pool?.forgetContents();
      const owner = { owner: "back", ...(salt === undefined ? {} : { salt }) };
      const restore = device.engine.beginRestore({ ...owner, tokens: tokenIds });
      const { numTokens, window } = await device.fill(restore, tokenIds, tokenIds.length);
      const blocks = restore.commit(numTokens, window);
      assert.equal(blocks.numTokens, tokenIds.length, "a part of what was saved did not come back");
      assert.ok(!device.exact || (await device.holds(blocks)), "a restored cache holds something else");
      this.keep(blocks);
      this.started.length = 0;
      this.start({
        ...owner,
        blocks,
        tokens: Int32Array.from([...tokenIds, 1]),
        sampling: at(samplings, 4),
        stopIds: [],
        maxTokens: 3,
      });
      await this.runOut();
      await this.assertAnswers();
      this.dropAll();
    }
  }

  releaseAll(): void {
    this.dropAll();
    assertEmpty(this.device.engine);
  }

  private dropAll(): void {
    for (const { restore } of this.restores.splice(0)) restore.cancel();
    for (let cache = this.caches.pop(); cache !== undefined; cache = this.caches.pop()) cache.release();
  }

  private submit(chosen: Extract<Action, { type: "submit" }>): void {
    const { vocabSize, grammar } = this.device;
    const shared = chosen.shared * this.scale;
    const cache = chosen.cache < 20 ? this.someCache(chosen.cache) : undefined;
    const base = cache === undefined ? this.familyTokens(chosen.family, shared) : cache.tokenIds;
    const kept = cache === undefined || chosen.shared % 3 > 0 ? base : base.subarray(0, shared);
    const salt = cache === undefined ? (chosen.salt ? "s" : undefined) : cache.salt;
    const request: GenerationRequest = {
      owner: `o${this.started.length % 4}`,
      tokens: Int32Array.from([...kept, ...chosen.extra.map((id) => id % vocabSize)]),
      ...(cache === undefined ? {} : { blocks: cache }),
      sampling: at(samplings, chosen.sampling),
      stopIds: chosen.stops ? [1, 2, 3, 4, 5, 6, 7] : [],
      ...(grammar !== undefined && chosen.stops && chosen.constrained ? { grammar } : {}),
      maxTokens: chosen.maxTokens * this.answerScale,
      priority: chosen.low ? "low" : "normal",
      ...(salt === undefined ? {} : { salt }),
    };
    this.start(request);
  }

  /** Gives a cache to the engine: the world has it no more until it returns with the result. */
  private start(request: GenerationRequest): void {
    const cache = request.blocks;
    const before = cache?.numTokens;
    try {
      const generation = this.device.engine.submit(request);
      if (cache !== undefined) this.forget(cache);
      const logprobs: number[] = [];
      generation.onEvent((event) => {
        if (event.type === "token" && event.logprob !== undefined) logprobs.push(event.logprob);
      });
      this.started.push({ generation, request: { ...request, tokens: request.tokens.slice() }, logprobs });
      const kept = generation.result.then(
        (result) => this.keep(result.blocks),
        () => {},
      );
      this.inFlight.add(kept);
    } catch {
      assert.equal(cache?.numTokens, before, "a refused request leaves the cache as it was");
    }
  }

  /** Saves a fork, since the cache itself may be submitted or released meanwhile. */
  private async save(index: number): Promise<void> {
    const cache = this.someCache(index);
    if (cache === undefined || cache.stale || cache.numTokens === 0) return;
    const fork = cache.fork();
    const { tokenIds, salt } = fork;
    await this.device.save(fork);
    fork.release();
    this.saved.push({ tokenIds, salt });
  }

  private restore({ family, tokens, saved, good, waits }: Extract<Action, { type: "restore" }>): void {
    const found = saved ? this.saved[good % Math.max(1, this.saved.length)] : undefined;
    const { tokenIds, salt } = found ?? { tokenIds: this.familyTokens(family, tokens * this.scale), salt: undefined };
    const request = { owner: "restored", tokens: tokenIds, ...(salt === undefined ? {} : { salt }) };
    const { engine } = this.device;
    if (!waits) {
      this.beginRestore({ ...request, priority: "low", onEndRequested: () => this.requestEnd() }, good);
      return;
    }
    const begun = engine.beginRestoreInTurn(request, blocksFor(tokenIds.length, engine.pool.blockTokens));
    const take = (restore: Restore | undefined) => restore && this.take(restore, tokenIds, good);
    this.inFlight.add(begun.then(take, assertPlanned));
  }

  private beginRestore(request: RestoreRequest, good: number): void {
    try {
      this.take(this.device.engine.beginRestore(request), request.tokens, good);
    } catch (error) {
      assertPlanned(error);
    }
  }

  private take(restore: Restore, tokens: Int32Array, good: number): void {
    if (this.isOver) restore.cancel();
    else this.restores.push({ restore, tokens, good });
  }

  /** Cancels the newest restore soon. */
  private requestEnd(): void {
    this.inFlight.add(Promise.resolve().then(() => this.restores.pop()?.restore.cancel()));
  }

  private async commit(index: number): Promise<void> {
    const taken = this.restores.splice(this.restores.length === 0 ? 0 : index % this.restores.length, 1)[0];
    if (taken === undefined) return;
    const { restore, tokens, good } = taken;
    if (good % 5 === 0) {
      restore.cancel();
      return;
    }
    const filled = await this.device.fill(restore, tokens, good * this.scale);
    this.keep(restore.commit(filled.numTokens, filled.window));
  }

  private keep(cache: AgentBlocks): void {
    this.caches.push(cache);
    if (this.idleCaches !== "none") this.leaveIdle(cache);
  }

  private leaveIdle(cache: AgentBlocks): void {
    let isSaved = this.idleCaches === "saved";
    this.numIdle += 1;
    const rank = (this.numIdle * 7) % 5;
    const save = async () => {
      await Promise.resolve();
      isSaved = true;
      if (this.idleCaches === "cannot be saved") throw new Error("the disk is full");
    };
    cache.setIdle({
      rank: () => rank,
      save: () => (isSaved ? undefined : save()),
      onDropped: () => this.forget(cache),
    });
  }

  private forget(cache: AgentBlocks): void {
    const index = this.caches.indexOf(cache);
    if (index >= 0) this.caches.splice(index, 1);
  }

  private familyTokens(family: number, count: number): Int32Array {
    const step = families[family] ?? 1;
    return Int32Array.from({ length: count }, (_, index) => (index * step) % this.device.vocabSize);
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

function rejectSoon(what: string): Promise<never> {
  return new Promise((_, reject) => setImmediate(() => setImmediate(() => reject(new Error(what)))));
}

function plannedError(fault: Fault): ResidentError {
  const facts = fault.endsWith("broken") ? { contents: "unknown" } : { contents: "intact" };
  const blamed = fault === "run refused, one to blame" ? { sequence: 0 } : {};
  const code = fault === "run out of memory" ? "OUT_OF_MEMORY" : "NATIVE_FAILURE";
  return new ResidentError(code, "planned", "none", { ...facts, ...blamed });
}

function assertPlanned(error: unknown): undefined {
  assert.ok(error instanceof ResidentError && error.what === "planned", String(error));
}
