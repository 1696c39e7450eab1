import assert from "node:assert/strict";
import { ResidentError } from "../../../../src/common/errors";
import type { AgentBlocks } from "../../../../src/engine/agentBlocks";
import type { Generation } from "../../../../src/engine/generation";
import { at } from "../../../../src/engine/invariant";
import { greedy, type MakeRoom, type SamplingParams } from "../../../../src/engine/ports";
import type { GenerationRequest } from "../../../../src/engine/request";
import type { Restore } from "../../../../src/engine/restore";
import { assertEmpty, settle } from "../engineRig";
import { type Action, type AnswersRoom, families } from "./actions";
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

/** Of those saved last: the rest would say the same again. */
const mostRoundTrips = 3;

export interface WorldOptions {
  readonly answersRoom: AnswersRoom;
  /** Lengths of prompts and caches in a script are times this. */
  readonly scale?: number;
  /** Lengths of answers are times this. */
  readonly answerScale?: number;
}

/** Plays a script to its end: every answer is compared with the true one and every block counted. */
export async function play(world: World, actions: readonly Action[]): Promise<void> {
  await world.play([...actions]);
  await end(world);
}

/** The same, where callers also act while the device is at work. */
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

  static async over(
    makeDevice: (makeRoom: MakeRoom) => WorldDevice | Promise<WorldDevice>,
    { answersRoom, scale = 1, answerScale = 1 }: WorldOptions,
  ): Promise<World> {
    const caches: AgentBlocks[] = [];
    const device = await makeDevice(() => {
      if (answersRoom === "fails") throw new Error("no room can be made");
      if (answersRoom === "later") return Promise.resolve().then(() => dropOne(caches));
      return answersRoom === "now" ? dropOne(caches) : 0;
    });
    return new World(device, caches, scale, answerScale);
  }

  private constructor(
    readonly device: WorldDevice,
    private readonly caches: AgentBlocks[],
    private readonly scale: number,
    private readonly answerScale: number,
  ) {}

  /** Takes one after the other out of `left`; others may take from it meanwhile. */
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
        if (cache !== undefined) this.caches.push(cache.fork());
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
        return this.device.failNext(chosen.in, new ResidentError(chosen.code, "planned", "none"));
    }
  }

  /** Everything runs to its end; callers whose requests wait for room give theirs up. */
  async runOut(): Promise<void> {
    const { engine } = this.device;
    for (let rounds = 0; engine.hasWork; rounds += 1) {
      assert.ok(rounds < 500, "requests wait for ever");
      await settle(engine, () => this.device.step());
      await Promise.all([Promise.resolve(), Promise.resolve()]);
      if (!engine.hasWork) break;
      dropOne(this.caches);
      this.restores.pop()?.restore.cancel();
    }
    await Promise.all(this.inFlight);
  }

  /** Every answer is the true one, or the beginning of it that was asked for; every cache holds what it says. */
  async assertAnswers(): Promise<void> {
    for (const { generation, request, logprobs } of this.started) {
      const result = await generation.result.catch((error: unknown) => this.assertPlanned(error));
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

  /** Caches that are saved and forgotten come back from disk as they were, and go on as if they had never left. */
  async goRoundByDisk(): Promise<void> {
    const { device, caches } = this;
    this.dropAll();
    for (const { tokenIds, salt } of this.saved.splice(0).slice(-mostRoundTrips)) {
      for (const pool of [device.engine.pool, device.engine.windowPool]) pool?.forgetContents();
      const owner = { owner: "back", ...(salt === undefined ? {} : { salt }) };
      const restore = device.engine.beginRestore({ ...owner, tokens: tokenIds });
      const { numTokens, window } = await device.fill(restore, tokenIds, tokenIds.length);
      const blocks = restore.commit(numTokens, window);
      assert.equal(blocks.numTokens, tokenIds.length, "a part of what was saved did not come back");
      assert.ok(!device.exact || (await device.holds(blocks)), "a restored cache holds something else");
      caches.push(blocks);
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
    for (const cache of this.caches.splice(0)) cache.release();
  }

  private submit(chosen: Extract<Action, { type: "submit" }>): void {
    const { vocabSize } = this.device;
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
      maxTokens: chosen.maxTokens * this.answerScale,
      priority: chosen.low ? "low" : "normal",
      ...(salt === undefined ? {} : { salt }),
    };
    this.start(request);
  }

  /** A cache that is submitted is the world's no more, until it comes back with the result. */
  private start(request: GenerationRequest): void {
    const cache = request.blocks;
    const before = cache?.numTokens;
    try {
      const generation = this.device.engine.submit(request);
      if (cache !== undefined) this.caches.splice(this.caches.indexOf(cache), 1);
      const logprobs: number[] = [];
      generation.onEvent((event) => {
        if (event.type === "token" && event.logprob !== undefined) logprobs.push(event.logprob);
      });
      this.started.push({ generation, request: { ...request, tokens: request.tokens.slice() }, logprobs });
      const kept = generation.result.then(
        (result) => this.caches.push(result.blocks),
        () => {},
      );
      this.inFlight.add(kept);
    } catch {
      assert.equal(cache?.numTokens, before, "a refused request leaves the cache as it was");
    }
  }

  /** A fork is saved: the cache itself may be submitted or released meanwhile. */
  private async save(index: number): Promise<void> {
    const cache = this.someCache(index);
    if (cache === undefined || cache.stale || cache.numTokens === 0) return;
    const fork = cache.fork();
    const { tokenIds, salt } = fork;
    await this.device.save(fork);
    fork.release();
    this.saved.push({ tokenIds, salt });
  }

  private restore({ family, tokens, saved, good }: Extract<Action, { type: "restore" }>): void {
    const found = saved ? this.saved[good % Math.max(1, this.saved.length)] : undefined;
    const { tokenIds, salt } = found ?? { tokenIds: this.familyTokens(family, tokens * this.scale), salt: undefined };
    const request = { owner: "restored", tokens: tokenIds, ...(salt === undefined ? {} : { salt }) };
    this.restores.push({ restore: this.device.engine.beginRestore(request), tokens: tokenIds, good });
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
    this.caches.push(restore.commit(filled.numTokens, filled.window));
  }

  private assertPlanned(error: unknown): undefined {
    assert.ok(error instanceof ResidentError && error.what === "planned", String(error));
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

function dropOne(caches: AgentBlocks[]): number {
  const cache = caches.shift();
  const held = cache?.table.length ?? 0;
  cache?.release();
  return held;
}
