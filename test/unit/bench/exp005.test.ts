import assert from "node:assert/strict";
import { exp005Suite } from "../../../src/bench/exp005";
import type { ReferencePrompt } from "../../../src/bench/exp005Prompts";
import type { ReferenceAnswer, RunReference } from "../../../src/bench/reference";
import { AbortedError, ResidentError } from "../../../src/common/errors";
import type { BenchRow, GenerateRequest, Running } from "../../../src/protocol/service";
import { FakeRunning, figures, model } from "../../support/extension/fakeService";

const prompts: readonly ReferencePrompt[] = [
  { name: "one", kind: "raw", text: "1", maxTokens: 2 },
  { name: "two", kind: "chat", text: "2", maxTokens: 2 },
  { name: "three", kind: "raw", text: "3", maxTokens: 2 },
];

const answerOf = (name: string, tokenIds: readonly number[]): ReferenceAnswer => ({
  name,
  promptTokens: figures.promptTokens,
  tokenIds,
  gaps: [1, 0.0001],
  finishReason: "length",
  decoded: "text",
  generated: "text",
});

/** Answers everything with the ids 5 and 6. */
class FakeDoor {
  readonly requests: GenerateRequest[] = [];
  running: FakeRunning | undefined;

  constructor(private readonly plays = true) {}

  loadModel = async () => model;

  generate(request: GenerateRequest): Running {
    this.requests.push(request);
    const running = new FakeRunning(`g${this.requests.length}`);
    this.running = running;
    if (this.plays) {
      running.play({ type: "done", text: "text", tokenIds: [5, 6], finishReason: "length", figures });
    }
    return running;
  }
}

interface Options {
  readonly door?: FakeDoor;
  readonly signal?: AbortSignal;
  readonly neededIdentical?: number;
}

function runSuite(runReference: RunReference, options: Options = {}): Promise<readonly BenchRow[]> {
  const { door = new FakeDoor(), neededIdentical = 1 } = options;
  const suite = exp005Suite(door, runReference, { prompts, neededIdentical });
  return suite({ onProgress: () => {}, signal: options.signal ?? new AbortController().signal });
}

const referenceThatSays =
  (...ids: readonly (readonly number[])[]): RunReference =>
  async () => ({
    versions: "mlx_lm 1, MLX 2",
    answers: prompts.map(({ name }, i) => answerOf(name, ids[i] ?? [5, 6])),
  });

/** A reference that ends only when it is told to. */
const endlessReference: RunReference = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new AbortedError())));

describe("EXP-005", () => {
  it("asks both sides the same prompts of the same model, greedily", async () => {
    const door = new FakeDoor();
    const requests: unknown[] = [];
    await runSuite(
      (request, hooks) => {
        requests.push(request);
        return referenceThatSays()(request, hooks);
      },
      { door },
    );
    assert.deepEqual(requests, [{ model: model.directory, prompts }]);
    const greedy = { temperature: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, maxTokens: 2 };
    assert.deepEqual(
      door.requests.map(({ prompt, raw, sampling }) => [prompt, raw, sampling]),
      prompts.map(({ text, kind }) => [text, kind === "raw", greedy]),
    );
  });

  it("gives a row for each prompt and one for all", async () => {
    const rows = await runSuite(referenceThatSays([5, 6], [5, 7], [4, 6]));
    assert.deepEqual(
      rows.map((row) => [row.case, row["identical"], row["tokens"]]),
      [
        ["one", true, 2],
        ["two", "tie", 1],
        ["three", false, 0],
        ["all 3 prompts", false, undefined],
      ],
    );
    const summary = rows.at(-1);
    assert.deepEqual(
      ["identicalPrompts", "ties", "differentPrompts", "reference"].map((name) => summary?.[name]),
      [1, 1, 1, "mlx_lm 1, MLX 2"],
    );
  });

  it("passes with ties as long as enough prompts are identical, and fails with too few", async () => {
    const reference = referenceThatSays([5, 6], [5, 7], [5, 6]);
    assert.equal((await runSuite(reference, { neededIdentical: 2 })).at(-1)?.["identical"], true);
    assert.equal((await runSuite(reference, { neededIdentical: 3 })).at(-1)?.["identical"], false);
  });

  it("ends our answer when the reference fails, and says why the reference did", async () => {
    const door = new FakeDoor(false);
    const failure = new ResidentError("INTERNAL", "no Python", "install it");
    await assert.rejects(
      runSuite(() => Promise.reject(failure), { door }),
      failure,
    );
    assert.equal(door.running?.aborted, true);
  });

  it("ends the reference when our answer fails, and says why ours did", async () => {
    const door = new FakeDoor(false);
    const running = runSuite(endlessReference, { door });
    await new Promise((resolve) => setImmediate(resolve));
    door.running?.play({
      type: "failed",
      error: { code: "NATIVE_FAILURE", what: "the device failed", advice: "again", facts: {} },
    });
    await assert.rejects(running, { code: "NATIVE_FAILURE" });
  });

  it("ends both sides when it is cancelled", async () => {
    const door = new FakeDoor(false);
    const cancel = new AbortController();
    const running = runSuite(endlessReference, { door, signal: cancel.signal });
    await new Promise((resolve) => setImmediate(resolve));
    cancel.abort();
    await assert.rejects(running, { code: "ABORTED" });
    assert.equal(door.running?.aborted, true);
  });

  it("refuses a reference that left a prompt out", async () => {
    const reference: RunReference = async () => ({ versions: "", answers: [answerOf("one", [5, 6])] });
    await assert.rejects(runSuite(reference), /did not answer "two"/);
  });
});
