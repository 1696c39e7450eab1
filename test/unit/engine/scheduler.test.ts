import assert from "node:assert/strict";
import fc from "fast-check";
import { planStep, type Schedulable, type StepLimits } from "../../../src/engine/scheduler";

interface Request extends Schedulable {
  readonly name: string;
}

function reading(name: string, numPendingTokens: number, rest: Partial<Request> = {}): Request {
  return {
    name,
    numPendingTokens,
    priority: "normal",
    decoding: false,
    numTokensToSample: 5,
    mayGuess: true,
    ...rest,
  };
}

function decoding(name: string, rest: Partial<Request> = {}): Request {
  return reading(name, 1, { decoding: true, ...rest });
}

const limits: StepLimits = { tokenBudget: 16, prefillChunkTokens: 6, maxStepsPerRun: 4, lookupTokensPerRun: 0 };

function planned(running: readonly Request[], given = limits): string[] {
  return planStep(running, given).rows.map((row) => `${row.request.name}${row.numTokens}${row.wantToken ? "!" : ""}`);
}

describe("planStep", () => {
  it("plans nothing when nothing runs", () => {
    assert.deepEqual(planStep([], limits).rows, []);
  });

  it("gives every decoding request its token first, then reads prompts in order", () => {
    assert.deepEqual(planned([reading("a", 4), decoding("b"), reading("c", 9), decoding("d")]), [
      "b1!",
      "d1!",
      "a4!",
      "c2",
    ]);
  });

  it("reads as much as the whole budget allows when nobody decodes, a chunk when somebody does", () => {
    assert.deepEqual(planned([reading("a", 40)]), ["a16"]);
    assert.deepEqual(planned([reading("a", 40), decoding("b")]), ["b1!", "a6"]);
  });

  it("reads a prompt as fast with answers of low priority as alone", () => {
    const low = decoding("low", { priority: "low" });
    assert.deepEqual(planned([reading("a", 40), low]), ["low1!", "a15"]);
    assert.deepEqual(planned([reading("a", 40), low, decoding("b")]), ["low1!", "b1!", "a6"]);
    const other = reading("other", 40, { priority: "low" });
    assert.deepEqual(planned([other, low]), ["low1!", "other2"]);
    assert.deepEqual(planned([other, reading("a", 9), low]), ["low1!", "a9!", "other2"]);
  });

  it("reads ahead only in what the others leave", () => {
    const ahead = reading("ahead", 40, { priority: "low", numTokensToSample: 0 });
    assert.deepEqual(planned([ahead, reading("a", 10)]), ["a10!", "ahead6"]);
    assert.deepEqual(planned([ahead, reading("a", 40)]), ["a16"]);
  });

  it("reads ahead a quarter of a chunk during an answer, no matter what else is read", () => {
    const ahead = reading("ahead", 40, { priority: "low", numTokensToSample: 0 });
    assert.deepEqual(planned([ahead, decoding("b")]), ["b1!", "ahead2"]);
    assert.deepEqual(planned([ahead, decoding("b"), reading("a", 3)]), ["b1!", "a3!", "ahead2"]);
    assert.deepEqual(planned([ahead, decoding("b"), reading("a", 5)]), ["b1!", "a5!", "ahead1"]);
    const other = { ...ahead, name: "other" };
    assert.deepEqual(planned([ahead, other, decoding("b")]), ["b1!", "ahead2"]);
  });

  it("wants no token of a read ahead, nor of a prompt that is not read to its end", () => {
    assert.deepEqual(planned([reading("a", 3, { numTokensToSample: 0 }), reading("b", 14)]), ["a3", "b13"]);
  });

  it("takes several steps in a run only when all decode, and no more than the one with the fewest tokens left", () => {
    assert.equal(planStep([decoding("a"), decoding("b")], limits).steps, 4);
    assert.equal(planStep([decoding("a"), decoding("b", { numTokensToSample: 2 })], limits).steps, 2);
    assert.equal(planStep([decoding("a"), reading("b", 1)], limits).steps, 1);
  });

  it("guesses for a request that decodes alone, and takes more tokens in its run", () => {
    const given = { ...limits, lookupTokensPerRun: 9 };
    const plan = (...running: Request[]) => {
      const { steps, guesses } = planStep(running, given);
      return [steps, guesses];
    };
    assert.deepEqual(plan(decoding("a", { numTokensToSample: 30 })), [9, true]);
    assert.deepEqual(plan(decoding("a", { numTokensToSample: 3 })), [3, true]);
    assert.deepEqual(plan(decoding("a", { numTokensToSample: 30, mayGuess: false })), [4, false]);
    assert.deepEqual(plan(decoding("a"), decoding("b")), [4, false]);
    assert.deepEqual(plan(decoding("a"), reading("b", 3)), [1, false]);
    assert.deepEqual(plan(reading("a", 3)), [1, false]);
    assert.equal(planStep([decoding("a")], limits).guesses, false);
  });

  it("reads a short prompt together with a long one, and leaves a quarter to the one that came first", () => {
    assert.deepEqual(planned([reading("long", 400), reading("short", 3)]), ["long13", "short3!"]);
    assert.deepEqual(planned([reading("first", 400), reading("b", 300), reading("c", 200)]), ["first4", "c12"]);
    assert.deepEqual(planned([reading("first", 20), reading("b", 20)]), ["first16"]);
  });

  it("is fair: all decode in every step, prefill with them is bounded, the shortest is first, the first prompt moves", () => {
    const request = fc.record({
      name: fc.constant("x"),
      decoding: fc.boolean(),
      pending: fc.integer({ min: 1, max: 40 }),
      priority: fc.constantFrom("normal" as const, "low" as const),
      numTokensToSample: fc.integer({ min: 1, max: 9 }),
      mayGuess: fc.boolean(),
    });
    const given = fc.record({
      tokenBudget: fc.integer({ min: 9, max: 40 }),
      prefillChunkTokens: fc.integer({ min: 1, max: 40 }),
      maxStepsPerRun: fc.integer({ min: 1, max: 8 }),
      lookupTokensPerRun: fc.constantFrom(0, 12),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 8 }), given, (made, stepLimits) => {
        const running = made.map(({ pending, ...rest }) => ({
          ...rest,
          numPendingTokens: rest.decoding ? 1 : pending,
        }));
        const { rows } = planStep(running, stepLimits);
        const tokensOf = (one: Schedulable): number => rows.find((row) => row.request === one)?.numTokens ?? 0;
        const decoders = running.filter((one) => one.decoding);
        const readers = running.filter((one) => !one.decoding);
        assert.ok(decoders.every((one) => tokensOf(one) === 1));
        const prefill = readers.reduce((sum, one) => sum + tokensOf(one), 0);
        assert.ok(decoders.length + prefill <= stepLimits.tokenBudget);
        const isWaitedFor = decoders.some(({ priority }) => priority === "normal");
        const readsNormal = readers.some(({ priority }) => priority === "normal");
        if (isWaitedFor || (decoders.length > 0 && !readsNormal)) assert.ok(prefill <= stepLimits.prefillChunkTokens);
        const ahead = readers.reduce((sum, one) => sum + (one.priority === "low" ? tokensOf(one) : 0), 0);
        if (decoders.length > 0) assert.ok(ahead <= Math.ceil(stepLimits.prefillChunkTokens / 4));
        if (readers.length > 0) assert.ok(prefill > 0);
        const normal = readers.filter((one) => one.priority === "normal");
        const isCut = (one: Schedulable) => tokensOf(one) < one.numPendingTokens;
        if (normal.some(isCut)) assert.equal(ahead, 0);
        for (const group of [normal, readers.filter((one) => one.priority === "low")]) {
          const [first, ...others] = group;
          const budget = group.reduce((sum, one) => sum + tokensOf(one), 0);
          if (first !== undefined) assert.ok(tokensOf(first) >= Math.min(first.numPendingTokens, budget / 4));
          for (const one of group.filter(isCut)) {
            const longer = others.filter((other) => other.numPendingTokens > one.numPendingTokens);
            assert.ok(longer.every((other) => tokensOf(other) === 0));
          }
        }
        assert.equal(new Set(rows.map((row) => row.request)).size, rows.length);
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });
});
