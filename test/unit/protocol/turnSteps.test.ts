import assert from "node:assert/strict";
import fc from "fast-check";
import type { TurnFigures, TurnView } from "../../../src/protocol/service";
import {
  countTurns,
  figuresInSum,
  placeOf,
  shortResult,
  shownResultLength,
  turnsOf,
  withCalls,
  withShortResults,
} from "../../../src/protocol/turnSteps";
import { figures } from "../../support/webview/samples/agents";

const said = (id: string, user = "a message") => ({ id, user });
const step = (id: string) => ({ id, user: "", results: [{ call: "c1", text: "x" }] });
/** A message that came instead of results has those of the calls that waited. */
const instead = (id: string) => ({ id, user: "never mind", results: [{ call: "c1", text: "x", failed: true }] });

describe("the steps of a turn", () => {
  const branch = [said("t1"), step("t2"), step("t3"), instead("t4"), said("t5"), step("t6")];

  it("are those that go on with results and nothing that a person wrote", () => {
    assert.deepEqual(
      turnsOf(branch).map((steps) => steps.map(({ id }) => id)),
      [["t1", "t2", "t3"], ["t4"], ["t5", "t6"]],
    );
    assert.equal(countTurns(branch), 3);
    assert.deepEqual([turnsOf([]), countTurns([])], [[], 0]);
  });

  it("have a place in their turn", () => {
    assert.deepEqual(placeOf(branch, "t3"), { turn: 1, step: 3, steps: 3 });
    assert.deepEqual(placeOf(branch, "t4"), { turn: 2, step: 1, steps: 1 });
    assert.equal(placeOf(branch, "t9"), undefined);
  });

  it("are a turn of their own where only the end of a branch is there", () => {
    assert.deepEqual(
      turnsOf(branch.slice(2)).map((steps) => steps.length),
      [1, 1, 2],
    );
    assert.equal(countTurns(branch.slice(2)), 3);
  });
});

describe("the figures of a turn's steps in sum", () => {
  it("are those of its only step, and none without any", () => {
    const only = figures(1, 2, 3);
    assert.equal(figuresInSum([only]), only);
    assert.equal(figuresInSum([undefined, only, undefined]), only);
    assert.equal(figuresInSum([undefined]), undefined);
    assert.equal(figuresInSum([]), undefined);
  });

  it("add tokens and restores; the wait and the cache are those of the first", () => {
    const sum = figuresInSum([
      figures(100, 20, 11, { ttftMs: 300, waitMs: 900, modelMs: 500, restoreMs: 60, cache: { tier: "warm" } }),
      undefined,
      figures(131, 40, 21, {
        ttftMs: 80,
        restoreMs: 5,
        guessedTokens: 9,
        recomputedTokens: 7,
        thinking: { tokens: 4, ms: 50 },
      }),
      figures(192, 3, 1, { ttftMs: 40, thinking: { tokens: 1, ms: 10 } }),
    ]);
    assert.deepEqual(sum, {
      ...{
        promptTokens: 486,
        reusedTokens: 423,
        prefilledTokens: 63,
        generatedTokens: 33,
        guessedTokens: 9,
        recomputedTokens: 7,
      },
      ...{ ttftMs: 300, waitMs: 900, modelMs: 500, restoreMs: 65, decodeTokensPerSecond: 61 },
      ...{ thinking: { tokens: 5, ms: 60 }, cache: { tier: "warm" } },
    });
  });

  it("are by the server where one counted, without what any step was not told", () => {
    const here = figures(1, 2, 3);
    const there = figures(4, 5, 6, { by: "server", untold: ["reused"] });
    const { by, untold } = figuresInSum([here, there, figures(1, 1, 1, { by: "server" })]) ?? {};
    assert.deepEqual([by, untold], ["server", ["reused"]]);
    const first = figuresInSum([there, here]);
    assert.deepEqual([first?.by, first?.untold], ["server", ["reused"]]);
  });

  it("have the rate of all tokens: more of a slow step than of a fast one", () => {
    const rate = (...steps: readonly (readonly [number, number])[]) =>
      figuresInSum(
        steps.map(([generated, decodeTokensPerSecond]) => figures(0, 1, generated, { decodeTokensPerSecond })),
      )?.decodeTokensPerSecond;
    assert.equal(rate([101, 100], [101, 25]), 40);
    assert.equal(rate([1, 0], [101, 25]), 25);
    assert.equal(rate([1, 0], [1, 0]), 0);
  });

  it("tell of a refused cache in whichever step it was", () => {
    const refused = { code: "CHECKSUM", reason: "block 12 failed its checksum", atToken: 768 };
    const sum = figuresInSum([figures(1, 1, 1), figures(1, 1, 1, { cache: { tier: "warm", refused } })]);
    assert.deepEqual(sum?.cache, { tier: "hot", refused });
  });

  it("keep that a prompt is what was reused and what was prefilled, for any steps", () => {
    const any = fc
      .tuple(fc.nat(9999), fc.nat(9999), fc.nat(999), fc.integer({ min: 0, max: 99 }))
      .map(([reused, prefilled, generated, decodeTokensPerSecond]) =>
        figures(reused, prefilled, generated, { decodeTokensPerSecond }),
      );
    fc.assert(
      fc.property(fc.array(any, { minLength: 2, maxLength: 6 }), (steps) => {
        const sum = figuresInSum(steps);
        assert.ok(sum);
        assert.equal(sum.promptTokens, sum.reusedTokens + sum.prefilledTokens);
        const rates = steps.filter(isMeasured).map((one) => one.decodeTokensPerSecond);
        if (rates.length === 0) assert.equal(sum.decodeTokensPerSecond, 0);
        else {
          assert.ok(sum.decodeTokensPerSecond >= Math.min(...rates) - 1e-9);
          assert.ok(sum.decodeTokensPerSecond <= Math.max(...rates) + 1e-9);
        }
      }),
    );
  });
});

const isMeasured = ({ generatedTokens, decodeTokensPerSecond }: TurnFigures) =>
  generatedTokens > 1 && decodeTokensPerSecond > 0;

describe("a long result", () => {
  it("is cut to its beginning, and tells its length", () => {
    const long = { call: "c1", text: "ab".repeat(shownResultLength), failed: true };
    const short = shortResult(long);
    assert.deepEqual(short, { ...long, text: long.text.slice(0, shownResultLength), length: 2 * shownResultLength });
    assert.equal(shortResult(short), short);
    assert.deepEqual(shortResult(short, 3), { ...long, text: "aba", length: 2 * shownResultLength });
    const exact = { call: "c1", text: "x".repeat(shownResultLength) };
    assert.equal(shortResult(exact), exact);
  });

  it("is never cut inside a character", () => {
    const text = "\u{1F468}".repeat(10);
    for (let most = 1; most < 20; most++) {
      const cut = shortResult({ call: "c1", text }, most).text;
      assert.equal(cut, "\u{1F468}".repeat(Math.floor(most / 2)));
    }
  });

  it("costs a turn without one nothing", () => {
    const turn = step("t1");
    assert.equal(withShortResults(turn), turn);
    const without: Pick<TurnView, "user" | "results"> = said("t1");
    assert.equal(withShortResults(without), without);
    const long = { ...turn, results: [...turn.results, { call: "c2", text: "x".repeat(9000) }] };
    assert.deepEqual(
      withShortResults(long).results.map(({ text }) => text.length),
      [1, shownResultLength],
    );
  });
});

describe("calls that come one by one", () => {
  const call = (id: string) => ({ id, name: "look", arguments: {} });

  it("are put together by their ids", () => {
    assert.equal(withCalls(undefined, undefined), undefined);
    assert.deepEqual(withCalls([call("a")], undefined), [call("a")]);
    assert.deepEqual(withCalls(undefined, [call("a")]), [call("a")]);
    assert.deepEqual(withCalls([call("a"), call("b")], [call("b"), call("c")]), [call("a"), call("b"), call("c")]);
  });
});
