import assert from "node:assert/strict";
import { churnRow, poolOperationRows } from "../../../src/bench/enginePool";
import { type EnginePlan, engineSuite } from "../../../src/bench/engineSuite";
import { AbortedError } from "../../../src/common/errors";
import type { BenchRow, GenerateRequest, Running } from "../../../src/protocol/service";
import { FakeRunning, figures, model } from "../../support/extension/fakeService";

const plan: EnginePlan = {
  repeats: 3,
  together: 4,
  answerTokens: 6,
  sharedTokens: 200,
  longTokens: 400,
  rewriteTokens: 100,
  poolBlocks: 1000,
  churnSteps: 2000,
};

/** Reads 1,000 words a second, those of the prompt before it at once; writes 100 tokens a second, 200 with guesses. */
class FakeDoor {
  readonly requests: GenerateRequest[] = [];
  rightWithGuesses = true;
  private last = "";

  loadModel = async () => model;
  unloadModel = async () => {};

  generate(request: GenerateRequest): Running {
    this.requests.push(request);
    const running = new FakeRunning(`g${this.requests.length}`);
    const { prompt, promptLookup = true, sampling } = request;
    let shared = 0;
    while (shared < prompt.length && prompt[shared] === this.last[shared]) shared += 1;
    this.last = prompt;
    const read = prompt.slice(shared).trim().split(" ").length;
    const generatedTokens = sampling?.maxTokens ?? 0;
    const tokenIds = Array.from(
      { length: generatedTokens },
      (_, i) => i + (promptLookup && !this.rightWithGuesses ? 1 : 0),
    );
    const played = {
      ...figures,
      prefilledTokens: read,
      generatedTokens,
      ttftMs: read,
      decodeTokensPerSecond: promptLookup ? 200 : 100,
    };
    const tell = (text: string) => running.play({ type: "text", text, figures: played });
    setTimeout(() => {
      for (const text of ["a", "b", "c"]) tell(text);
      running.play({ type: "done", text: "abc", tokenIds, finishReason: "length", figures: played });
    }, 1);
    return running;
  }
}

const run = (door: FakeDoor, signal = new AbortController().signal) =>
  engineSuite(door, plan)({ onProgress: () => {}, signal });

const named = (rows: readonly BenchRow[], part: string) => {
  const row = rows.find(({ case: name }) => name.includes(part));
  assert.ok(row !== undefined, part);
  return row;
};

describe("The engine suite", () => {
  it("compares the second of two with the same beginning with the first, and hot with cold", async () => {
    const rows = await run(new FakeDoor());
    const second = named(rows, "second of two");
    assert.ok(Number(second["ratio"]) > 50, String(second["ratio"]));
    assert.ok(Number(second["prefilledTokens"]) < 5);
    assert.equal(named(rows, "hot at 400 tokens")["targetRatio"], 100);
  });

  it("measures guesses beside their absence, and says whether the answers are the same", async () => {
    const door = new FakeDoor();
    const row = named(await run(door), "rewriting");
    assert.deepEqual([row["tokensPerSecond"], row["withoutGuesses"], row["ratio"]], [200, 100, 2]);
    assert.equal(row["identical"], true);
    door.rightWithGuesses = false;
    assert.equal(named(await run(door), "rewriting")["identical"], false);
  });

  it("guesses nowhere else", async () => {
    const door = new FakeDoor();
    await run(door);
    const guessing = door.requests.filter(({ promptLookup }) => promptLookup !== false);
    assert.ok(guessing.every(({ prompt }) => prompt.includes("again")));
  });

  it("tells how the host's event loop fares, and what it costs when others hold it up", async () => {
    const rows = await run(new FakeDoor());
    assert.equal(named(rows, "event-loop delay")["targetMs"], 10);
    assert.ok(Number(named(rows, "host blocked")["ratio"]) > 0);
  });

  it("ends when it is told to", async () => {
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(run(new FakeDoor(), stop.signal), AbortedError);
  });

  it("gives a time for every operation of the pool, and a share of blocks in one run", () => {
    const rows = poolOperationRows(500, 2);
    assert.deepEqual(
      rows.map(({ case: name, n }) => [name.split(" ")[1], n]),
      [
        ["allocate,", 2],
        ["publish,", 2],
        ["lookup,", 2],
        ["release,", 2],
      ],
    );
    const { share } = churnRow(512, 3000);
    assert.ok(typeof share === "number" && share > 0.3 && share <= 1, String(share));
  });
});
