import assert from "node:assert/strict";
import { greedy, noPenalties, type RunnerToken, type SequenceStep } from "../../../src/engine/ports";
import type { NativeGrammar, NativePool, SampledToken, SequenceFailure, StepBatch } from "../../../src/native/binding";
import { MlxRunner, toBatch } from "../../../src/native/mlxRunner";

const step: SequenceStep = {
  tokens: Int32Array.of(7, 8),
  start: 3,
  table: [4, 5],
  wantToken: true,
  sampling: greedy,
  penalties: noPenalties,
  stopIds: [],
  lookupIds: new Int32Array(0),
};

const rest = { onFailed: () => assert.fail("nothing fails here"), cancelled: () => false };

/** A pool that plays back `steps` and remembers what it was asked for. */
class PlayedPool implements NativePool {
  readonly blocks = 10;
  readonly blockTokens = 4;
  readonly bytes = 0;
  readonly asked: StepBatch[] = [];
  cancelled = false;

  constructor(
    private readonly steps: readonly (readonly SampledToken[])[],
    private readonly failures: readonly SequenceFailure[] = [],
  ) {}

  run(batch: StepBatch, onTokens: (tokens: readonly SampledToken[], failures: readonly SequenceFailure[]) => void) {
    this.asked.push(batch);
    const play = async () => {
      for (const [index, tokens] of this.steps.entries()) {
        await null;
        if (this.cancelled) break;
        onTokens(
          tokens,
          this.failures.filter(({ step }) => step === index),
        );
      }
      return {
        stepMs: 3,
        movedSlabs: 3,
        viewSequences: 4,
        gatheredSequences: 5,
        draftedTokens: 6,
        acceptedTokens: 7,
        forcedTokens: 8,
      };
    };
    return {
      result: play(),
      cancel: () => {
        this.cancelled = true;
      },
    };
  }

  copyBlock = unused;
  writeBlockFile = unused;
  readBlockFile = unused;
  logits = unused;
  dispose = unused;
}

function unused(): Promise<never> {
  return Promise.reject(new Error("not played"));
}

describe("The engine's device over a native pool", () => {
  it("lays sequences out one after the other", () => {
    const one = { ...step, tokens: Int32Array.of(9), start: 0, table: [1], wantToken: false };
    const batch = toBatch([step, one], 4);
    assert.deepEqual([...batch.tokens], [7, 8, 9]);
    assert.deepEqual([...batch.tokenCounts], [2, 1]);
    assert.deepEqual([...batch.starts], [3, 0]);
    assert.deepEqual([...batch.tables], [4, 5, 1]);
    assert.deepEqual([...batch.tableLengths], [2, 1]);
    assert.deepEqual([...batch.wantToken], [1, 0]);
    assert.equal(batch.steps, 4);
  });

  it("hands over sampling whole, a seed of 53 bits in two halves", () => {
    const seed = 2 ** 52 + 5;
    const logitBias = new Map([
      [3, 1.5],
      [9, -2],
    ]);
    const sampling = { ...greedy, temperature: 0.5, seed, logitBias, logprobs: 2 };
    const [native] = toBatch([{ ...step, sampling, stopIds: [2] }], 1).sampling;
    assert.equal((native?.seedHigh ?? 0) * 2 ** 32 + (native?.seedLow ?? 0), seed);
    assert.deepEqual([...(native?.biasIds ?? [])], [3, 9]);
    assert.deepEqual([...(native?.biasValues ?? [])], [1.5, -2]);
    assert.deepEqual([...(native?.stopIds ?? [])], [2]);
    assert.equal(native?.temperature, 0.5);
    assert.equal(native?.logprobs, 2);
  });

  it("passes tokens on as they come and adds up what runs report", async () => {
    const pool = new PlayedPool([
      [{ sequence: 0, step: 0, id: 5 }],
      [
        {
          sequence: 0,
          step: 1,
          id: 6,
          logprob: -1,
          topIds: Int32Array.of(6, 7),
          topLogprobs: Float32Array.of(-1, -2),
        },
      ],
    ]);
    const runner = new MlxRunner(pool, { maxContextTokens: 100, vocabSize: 50 });
    const seen: RunnerToken[] = [];
    const guessed: number[] = [];
    const onGuessed = (count: number) => guessed.push(count);
    for (let i = 0; i < 2; i++) {
      await runner.run([step], { ...rest, steps: 2, onGuessed, onTokens: (tokens) => seen.push(...tokens) });
    }
    assert.deepEqual(guessed, [7, 7]);
    assert.deepEqual(seen.slice(0, 2), [
      { sequence: 0, id: 5 },
      {
        sequence: 0,
        id: 6,
        logprob: -1,
        top: [
          { id: 6, logprob: -1 },
          { id: 7, logprob: -2 },
        ],
      },
    ]);
    assert.deepEqual(runner.counters, {
      runs: 2,
      stepMs: 6,
      movedSlabs: 6,
      viewSequences: 8,
      gatheredSequences: 10,
      draftedTokens: 12,
      acceptedTokens: 14,
      forcedTokens: 16,
    });
    assert.deepEqual(runner.geometry, { totalBlocks: 10, blockTokens: 4, maxContextTokens: 100, vocabSize: 50 });
  });

  it("tells of a sequence that failed in the step where it did, and resolves", async () => {
    const failure: SequenceFailure = {
      sequence: 1,
      step: 1,
      code: "NATIVE_FAILURE",
      what: "the model computed no finite logits",
      facts: { sequence: 1 },
    };
    const pool = new PlayedPool([[{ sequence: 0, step: 0, id: 5 }], [{ sequence: 0, step: 1, id: 6 }]], [failure]);
    const runner = new MlxRunner(pool, { maxContextTokens: 100, vocabSize: 50 });
    const seen: (number | string)[] = [];
    await runner.run([step, step], {
      steps: 2,
      onTokens: (tokens) => seen.push(...tokens.map(({ id }) => id)),
      onFailed: (sequence, error) => seen.push(`${sequence} ${error.code} ${error.what}`),
      cancelled: () => false,
    });
    assert.deepEqual(seen, [5, 6, "1 NATIVE_FAILURE the model computed no finite logits"]);
  });

  it("says whose guesses a sequence's are, where that is known", () => {
    const batch = toBatch([{ ...step, guesser: "agent-1" }, step], 1);
    assert.deepEqual(
      batch.sampling.map(({ guesser }) => guesser),
      ["agent-1", undefined],
    );
  });

  it("hands over what penalties count", () => {
    const penalties = { recentIds: Int32Array.of(4, 5), ids: Int32Array.of(5, 4), counts: Int32Array.of(1, 9) };
    const [native] = toBatch([{ ...step, penalties }], 1).sampling;
    assert.deepEqual([native?.recentIds, native?.answerIds, native?.answerCounts], Object.values(penalties));
  });

  it("hands over the grammar that the addon made, and the answer's ids so far", () => {
    const grammar: NativeGrammar = { bytes: 1, dispose: () => {} };
    const [native, free] = toBatch(
      [{ ...step, constraint: { grammar, answerIds: Int32Array.of(4) } }, step],
      1,
    ).sampling;
    assert.equal(native?.grammar, grammar);
    assert.deepEqual(native?.grammarIds, Int32Array.of(4));
    assert.ok(free !== undefined && !("grammar" in free));
    const foreign = { grammar: { bytes: 1 }, answerIds: new Int32Array(0) };
    assert.throws(() => toBatch([{ ...step, constraint: foreign }], 1), { code: "INVALID_REQUEST" });
  });

  it("compiles grammars where it was given a compiler", async () => {
    const info = { maxContextTokens: 100, vocabSize: 50 };
    const text = { kind: "ebnf", text: 'root ::= "a"' } as const;
    await assert.rejects(new MlxRunner(new PlayedPool([]), info).compileGrammar(text), { code: "INVALID_REQUEST" });
  });

  it("cancels the native run when the engine no longer wants it", async () => {
    const pool = new PlayedPool([0, 1, 2, 3].map((id) => [{ sequence: 0, step: id, id }]));
    const runner = new MlxRunner(pool, { maxContextTokens: 100, vocabSize: 50 });
    const seen: number[] = [];
    await runner.run([step], {
      ...rest,
      steps: 4,
      onTokens: (tokens) => seen.push(...tokens.map(({ id }) => id)),
      cancelled: () => seen.length === 2,
    });
    assert.deepEqual(seen, [0, 1]);
  });
});
