import assert from "node:assert/strict";
import type { PeerName, PeerRequest, RunPeer } from "../../../src/bench/peers";
import { type ThroughputPlan, throughputSuite } from "../../../src/bench/throughput";
import { AbortedError } from "../../../src/common/errors";
import type { BenchRow, GenerateRequest, ModelSummary, Running } from "../../../src/protocol/service";
import { FakeRunning, figures, model } from "../../support/extension/fakeService";

const plan: ThroughputPlan = {
  prefillTokens: [128, 2048],
  decodeTokens: 40,
  longContextTokens: 4096,
  longDecodeTokens: 32,
  together: 3,
  togetherTokens: 20,
  repeats: 5,
  budgetMs: 60_000,
  slowPeer: { promptTokens: 512, decodeTokens: 10, repeats: 2 },
};

/** Every word is a token; 100,000 tokens/s of prefill, 20 of decode. */
class FakeDoor {
  readonly requests: GenerateRequest[] = [];
  /** Prompts whose answer ends at its third token. */
  readonly short = new Set<string>();
  mostShort = 0;

  constructor(private readonly loaded: ModelSummary = model) {}

  loadModel = async () => this.loaded;

  generate(request: GenerateRequest): Running {
    this.requests.push(request);
    const running = new FakeRunning(`g${this.requests.length}`);
    const tokens = request.prompt.trim().split(" ").length;
    const wanted = request.sampling?.maxTokens ?? 0;
    if (tokens === 16 && this.short.size < this.mostShort) this.short.add(request.prompt);
    const generatedTokens = this.short.has(request.prompt) ? Math.min(3, wanted) : wanted;
    const own = { promptTokens: tokens, prefilledTokens: tokens, ttftMs: tokens / 100, generatedTokens };
    const played = { ...figures, ...own, decodeTokensPerSecond: 20 };
    // Later than `done` is asked for, and after more time than the first token took.
    setTimeout(() => {
      running.play({ type: "done", text: "", tokenIds: [], finishReason: "length", figures: played });
    }, 2);
    return running;
  }
}

/** 10 tokens a second, whatever is asked. */
const peer: RunPeer = async (name, { repeats }) => ({
  engine: `${name} 1`,
  settings: "",
  samples: Array.from({ length: repeats }, () => ({ tokens: 10, ms: 1000 })),
});

const runSuite = (
  run?: RunPeer,
  door = new FakeDoor(),
  signal = new AbortController().signal,
  gguf: string | undefined = undefined,
) => throughputSuite(door, plan, run && { run, gguf })({ onProgress: () => {}, signal });

const engines = (rows: readonly BenchRow[], name: string) =>
  rows.filter((row) => row.case === name).map((row) => row["engine"]);

describe("Throughput", () => {
  it("counts answers only where all that run together are as long as asked for", async () => {
    const door = new FakeDoor();
    door.mostShort = 4;
    const rows = await runSuite(undefined, door);
    assert.deepEqual(
      rows.map(({ n }) => n),
      [5, 5, 5, 5, 5],
    );
    const lengths = new Map<string, number>();
    for (const { prompt } of door.requests) lengths.set(prompt, (lengths.get(prompt) ?? 0) + 1);
    // A prompt that was answered shortly is not asked again for a decode.
    assert.deepEqual(
      [...door.short].map((prompt) => lengths.get(prompt)),
      [1, 1, 1, 1],
    );
  });

  it("samples as people's answers are sampled: nothing but the seed and the length is said", async () => {
    const door = new FakeDoor();
    await runSuite(undefined, door);
    for (const { sampling } of door.requests)
      assert.deepEqual(Object.keys(sampling ?? {}).sort(), ["maxTokens", "seed"]);
  });

  it("measures us alone where there are no peers", async () => {
    const rows = await runSuite();
    assert.deepEqual(
      rows.map((row) => [row.case, row.n, row["engine"]]),
      [
        ["prefill 128", 5, "resident"],
        ["prefill 2048", 5, "resident"],
        ["decode, one sequence", 5, "resident"],
        ["decode at 4096 tokens", 5, "resident"],
        ["decode, 3 sequences together", 5, "resident"],
      ],
    );
    assert.deepEqual(
      rows.slice(0, 4).map((row) => [row.p50Ms, row["tokensPerSecond"]]),
      [
        [1.28, 100_000],
        [20.48, 100_000],
        [50, 20],
        [50, 20],
      ],
    );
    assert.equal(typeof rows.at(-1)?.["overOneSequence"], "number");
  });

  it("says how near decode comes to what the memory delivers, and what computed", async () => {
    const roofline = { ops: "cpu avx2", threads: 4, readBytesPerSecond: 10_000, stepWeightBytes: 400 };
    let measured = 0;
    const suite = throughputSuite(new FakeDoor(), plan, { run: peer, gguf: undefined }, async () => {
      measured += 1;
      // Before and after the decode of one sequence; at the start it was something else.
      return { ...roofline, readBytesPerSecond: [99_000, 8_000, 12_000][measured - 1] ?? 10_000 };
    });
    const rows = await suite({ onProgress: () => {}, signal: new AbortController().signal });
    const decode = rows.find((row) => row.case === "decode, one sequence");
    assert.deepEqual([decode?.["ops"], decode?.["threads"]], ["cpu avx2", 4]);
    assert.deepEqual([decode?.["weightBytesPerSecond"], decode?.["ofReadBandwidth"]], [8000, 0.8]);
    assert.equal(rows.find((row) => row.case === "memory read")?.["readBytesPerSecond"], 10_000);
  });

  it("reads other words in each repeat of prefill, and the same ones in each of decode", async () => {
    const door = new FakeDoor();
    await runSuite(undefined, door);
    const prompts = (tokens: number) =>
      door.requests.map(({ prompt }) => prompt).filter((prompt) => prompt.trim().split(" ").length === tokens);
    assert.equal(new Set(prompts(2048)).size, 5);
    assert.equal(prompts(4064).length, 5);
    assert.equal(new Set(prompts(4064)).size, 1);
  });

  it("puts the peers' rows behind ours, and our rate over theirs into ours", async () => {
    const rows = await runSuite(peer);
    assert.deepEqual(engines(rows, "prefill 128"), ["resident", "node-llama-cpp 1", "llama-cpp-python 1", "mlx_lm 1"]);
    const own = rows.find((row) => row.case === "decode, one sequence");
    assert.deepEqual(
      ["overNodeLlamaCpp", "overLlamaCpp", "overMlxLm"].map((name) => own?.[name]),
      [2, 2, 2],
    );
  });

  it("asks the peers to read as many tokens as we did, and the slow one for less or for nothing", async () => {
    const asked: [PeerName, PeerRequest][] = [];
    await runSuite((name, request, hooks) => {
      asked.push([name, request]);
      return peer(name, request, hooks);
    });
    const of = (wanted: PeerName) =>
      asked
        .filter(([name]) => name === wanted)
        .map(([, { measure, promptTokens, decodeTokens, sequences, repeats }]) =>
          [measure, promptTokens, decodeTokens, sequences, repeats].join(" "),
        );
    assert.deepEqual(of("llama-cpp-python"), [
      "prefill 128 0 1 5",
      "prefill 2048 0 1 5",
      "decode 16 40 1 5",
      "decode 4064 32 1 5",
      "decode 16 20 3 5",
    ]);
    assert.deepEqual(of("mlx_lm"), ["prefill 128 0 1 2", "decode 16 10 1 2"]);
  });

  it("goes on without a peer that fails, and says by name and reason that it did not run", async () => {
    let tries = 0;
    const rows = await runSuite(async (name, request, hooks) => {
      if (name !== "llama-cpp-python") return peer(name, request, hooks);
      tries += 1;
      throw new Error("no compiler");
    });
    assert.equal(tries, 1);
    assert.deepEqual(engines(rows, "decode, one sequence"), ["resident", "node-llama-cpp 1", "mlx_lm 1"]);
    const last = rows.at(-1);
    assert.deepEqual(
      [last?.case, last?.n, last?.["reason"], last?.["tokensPerSecond"]],
      ["llama-cpp-python: not run", 0, "prefill 128: no compiler", undefined],
    );
    assert.equal(rows[0]?.["overLlamaCpp"], undefined);
  });

  it("compares llama.cpp with another model where its GGUF file is named, and not otherwise", async () => {
    const other = () => new FakeDoor({ ...model, isStarter: false });
    const files: (string | undefined)[] = [];
    const noting: RunPeer = (name, request, hooks) => {
      files.push(request.gguf);
      return peer(name, request, hooks);
    };
    const named = await runSuite(noting, other(), undefined, "/models/other.gguf");
    assert.deepEqual(engines(named, "prefill 128"), ["resident", "node-llama-cpp 1", "llama-cpp-python 1", "mlx_lm 1"]);
    assert.deepEqual(new Set(files), new Set(["/models/other.gguf"]));
    const rows = await runSuite(peer, other());
    assert.deepEqual(engines(rows, "prefill 128"), ["resident", "mlx_lm 1"]);
    assert.deepEqual(
      rows.slice(-2).map((row) => row.case),
      ["node-llama-cpp: not run", "llama-cpp-python: not run"],
    );
  });

  it("leaves out what does not fit the model's context", async () => {
    const rows = await runSuite(undefined, new FakeDoor({ ...model, contextTokens: 2048 }));
    assert.deepEqual(
      rows.map((row) => row.case),
      ["prefill 128", "decode, one sequence", "decode, 3 sequences together"],
    );
  });

  it("ends when it is cancelled while a peer runs", async () => {
    const cancel = new AbortController();
    const endless: RunPeer = (_name, _request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new AbortedError()));
        cancel.abort();
      });
    await assert.rejects(runSuite(endless, new FakeDoor(), cancel.signal), { code: "ABORTED" });
  });
});
