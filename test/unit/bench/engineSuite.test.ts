import assert from "node:assert/strict";
import { decodingRuns, overheadRow, tokensPerSecondOf } from "../../../src/bench/deviceRuns";
import { churnRow, poolOperationRows } from "../../../src/bench/enginePool";
import type { EngineProbe } from "../../../src/bench/engineProbe";
import { type EnginePlan, engineSuite } from "../../../src/bench/engineSuite";
import type { Disposable } from "../../../src/common/disposables";
import { AbortedError } from "../../../src/common/errors";
import type { RunFigures } from "../../../src/native/mlxRunner";
import type {
  AgentId,
  BenchRow,
  ChatRequest,
  CreateAgentRequest,
  GenerateRequest,
  Running,
  SendRequest,
} from "../../../src/protocol/service";
import { FakeRunning, FakeService, figures, model } from "../../support/extension/fakeService";

const plan: EnginePlan = {
  repeats: 3,
  together: 4,
  answerTokens: 6,
  timedTokens: 6,
  sharedTokens: 200,
  longTokens: 400,
  rewriteTokens: 100,
  poolBlocks: 1000,
  churnSteps: 2000,
};

/** Reads 1,000 words a second, those of the prompt before it at once; writes 100 tokens a second, 200 with guesses. */
class FakeDoor {
  readonly requests: GenerateRequest[] = [];
  /** To agents. */
  readonly sent: { readonly prompt: string; readonly sampling: SendRequest["sampling"] }[] = [];
  rightWithGuesses = true;
  private last = "";

  loadModel = async () => model;
  unloadModel = async () => {};

  private readonly agents = new FakeService();
  private readonly unread = new Map<AgentId, number>();
  private written: string | undefined;

  async createAgent(request: CreateAgentRequest) {
    const agent = await this.agents.createAgent(request);
    this.unread.set(agent.id, request.system?.split(" ").length ?? 0);
    return agent;
  }

  /** How many answers ran at once. */
  most = 0;
  private running = 0;
  private answering = 0;

  async forkAgent(...args: Parameters<FakeService["forkAgent"]>) {
    const fork = await this.agents.forkAgent(...args);
    this.unread.set(fork.id, 0);
    return fork;
  }

  /** Of the conversations; the others are small. */
  readonly chats: ChatRequest[] = [];
  smallMs = 0;

  /** Takes 10 ms, and for each small request that runs `smallMs` more. */
  chat(request: ChatRequest): Running {
    const running = new FakeRunning("chat");
    const isSmall = request.conversation === undefined;
    if (!isSmall) this.chats.push(request);
    const played = { ...figures, waitMs: 10 + this.running * this.smallMs };
    this.running += isSmall ? 1 : 0;
    setTimeout(() => {
      this.running -= isSmall ? 1 : 0;
      running.play({ type: "done", text: "It.", tokenIds: [1], finishReason: "length", figures: played });
    }, 1);
    return running;
  }

  get agentsLeft(): number {
    return this.unread.size;
  }

  async deleteAgent(id: AgentId) {
    await this.agents.deleteAgent(id);
    this.unread.delete(id);
  }

  saveAgent = (id: AgentId) => this.agents.saveAgent(id);

  async warmAgent(id: AgentId, draft?: string) {
    this.written = draft;
    return this.agents.warmAgent(id);
  }

  /** Reads the system prompt once, and 10 words of each turn as fast as one of it, those of a draft at once. */
  async send(id: AgentId, { text, sampling }: SendRequest): Promise<Running> {
    this.sent.push({ prompt: text, sampling });
    const read = this.unread.get(id);
    assert.ok(read !== undefined, id);
    this.unread.set(id, 0);
    const running = new FakeRunning(id);
    const words = this.written === text ? 1 : text.split(" ").length;
    this.written = undefined;
    const played = { ...figures, ttftMs: read + words / 10, prefilledTokens: words };
    this.answering += 1;
    this.most = Math.max(this.most, this.answering);
    setTimeout(() => {
      this.answering -= 1;
      running.play({ type: "done", text, tokenIds: [1], finishReason: "length", figures: played });
    }, 1);
    return running;
  }

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

/** Restores in a moment; runs are those of the test. */
class FakeProbe implements EngineProbe {
  restores = 0;
  disposed = 0;
  restoredTokens = plan.longTokens;
  runs: readonly RunFigures[] = [];
  /** Read with the model, then without. */
  readonly footprints = [900e6, 200e6];

  footprintBytes = () => this.footprints.shift() ?? 0;
  samplingMs = async (rows: number, words: number, threads: number) => (rows * words) / (threads === 1 ? 1e6 : 2e6);

  onRun(listener: (run: RunFigures) => void): Disposable {
    for (const one of this.runs) listener(one);
    return { dispose: () => undefined };
  }

  storeCache = async () => ({
    restore: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      this.restores += 1;
      return this.restoredTokens;
    },
    dispose: async () => {
      this.disposed += 1;
    },
  });

  readAhead = async () => {
    await new Promise((resolve) => setImmediate(resolve));
  };
}

const run = (door: FakeDoor, signal = new AbortController().signal, probe = new FakeProbe()) =>
  engineSuite(door, plan, probe)({ onProgress: () => {}, signal });

const named = (rows: readonly BenchRow[], part: string) => {
  const row = rows.find(({ case: name }) => name.includes(part));
  assert.ok(row !== undefined, part);
  return row;
};

describe("The engine suite", () => {
  it("compares the second of two with the same beginning with the first, and a hot agent with a cold one", async () => {
    const door = new FakeDoor();
    const rows = await run(door);
    const second = named(rows, "second of two");
    assert.ok(Number(second["ratio"]) > 50, String(second["ratio"]));
    assert.ok(Number(second["prefilledTokens"]) < 5);
    const hot = named(rows, "hot agent of 400 tokens, a message that comes at once");
    assert.deepEqual([hot["targetRatio"], hot.n], [100, plan.repeats ** 2]);
    assert.ok(Number(hot["ratio"]) > 100, String(hot["ratio"]));
    const written = named(rows, "hot agent of 400 tokens, one that was written");
    assert.ok(Number(written["ratio"]) > 2 * Number(hot["ratio"]), String(written["ratio"]));
    assert.equal(door.agentsLeft, 0);
  });

  it("lets four delegates answer at once, compares them with one alone, and deletes them", async () => {
    const door = new FakeDoor();
    const row = named(await run(door), "4 delegates at once of an agent of 200 tokens");
    assert.deepEqual([row.n, row["mostRatio"], door.most, door.agentsLeft], [plan.repeats, 1.5, 4, 0]);
    assert.ok(Number(row["ratio"]) > 0 && Number(row["aloneMs"]) > 0);
    // "Look for:" and the words.
    assert.equal(row["prefilledTokens"], 18);
  });

  it("compares a conversation's next message alone and together with three small requests", async () => {
    const door = new FakeDoor();
    door.smallMs = 2;
    const row = named(await run(door), "beside 3 small requests");
    // Only those that came before it are known when it comes.
    assert.deepEqual([row["aloneMs"], row.p95Ms, row["mostRatio"], row.n], [10, 16, 1.2, 4 * plan.repeats]);
    assert.ok([1, 1.6].includes(Number(row["ratio"])));
    const last = door.chats.at(-1);
    assert.equal(last?.messages.length, 2 * door.chats.length);
    assert.equal(last?.modelDirectory, model.directory);
  });

  it("compares guesses with their absence, and says whether the answers are the same", async () => {
    const door = new FakeDoor();
    const row = named(await run(door), "rewriting");
    assert.deepEqual([row["tokensPerSecond"], row["withoutGuesses"], row["ratio"]], [200, 100, 2]);
    assert.equal(row["identical"], true);
    door.rightWithGuesses = false;
    assert.equal(named(await run(door), "rewriting")["identical"], false);
  });

  it("measures sampling by all threads against one", async () => {
    const row = named(await run(new FakeDoor()), "sampling, 8 rows of 152k words");
    assert.deepEqual([row.p50Ms.toFixed(2), Number(row["oneThreadMs"]).toFixed(2), row["ratio"]], ["0.61", "1.22", 2]);
  });

  it("measures what a grammar takes of the decode time, in turn with free answers", async () => {
    const door = new FakeDoor();
    const row = named(await run(door), "a grammar's part");
    assert.deepEqual([row["share"], row["mostShare"], row["tokensPerSecond"], row.n], [0, 0.03, 100, plan.repeats]);
    const held = door.requests.filter(({ jsonSchema }) => jsonSchema !== undefined);
    const free = door.requests.filter(
      ({ prompt, jsonSchema }) => prompt.includes("as lists") && jsonSchema === undefined,
    );
    assert.deepEqual([held.length, free.length], [plan.repeats + 1, plan.repeats]);
  });

  it("guesses nowhere else", async () => {
    const door = new FakeDoor();
    await run(door);
    const guessing = door.requests.filter(({ promptLookup }) => promptLookup !== false);
    assert.ok(guessing.every(({ prompt }) => prompt.includes("again")));
  });

  it("samples as people's answers are sampled, but for the texts that are compared", async () => {
    const door = new FakeDoor();
    await run(door);
    const usual = ["maxTokens", "seed"];
    for (const { prompt, sampling } of [...door.requests, ...door.sent]) {
      const said = Object.keys(sampling ?? {}).sort();
      if (prompt.includes("again")) assert.ok(said.includes("temperature") && sampling?.temperature === 0);
      else assert.deepEqual(said, usual);
    }
    assert.ok(door.sent.length > 0);
  });

  it("tells how the host's event loop fares, and what it costs when others hold it up", async () => {
    const rows = await run(new FakeDoor());
    assert.equal(named(rows, "event-loop delay")["targetMs"], 10);
    assert.ok(Number(named(rows, "host blocked")["ratio"]) > 0);
  });

  it("restores a cache during an answer, and fails when less came than was stored", async () => {
    const probe = new FakeProbe();
    const row = named(await run(new FakeDoor(), undefined, probe), "is restored");
    assert.equal(row["mostRatio"], 1.2);
    assert.equal(row["restores"], probe.restores);
    assert.equal(row["restoredTokens"], probe.restores * plan.longTokens);
    assert.equal(probe.disposed, 1);
    probe.restoredTokens -= 1;
    await assert.rejects(run(new FakeDoor(), undefined, probe), /only 399 of 400/);
    assert.equal(probe.disposed, 2);
  });

  it("tells the bound of a read ahead during an answer", async () => {
    assert.ok(Number(named(await run(new FakeDoor()), "read ahead")["ratio"]) > 0);
  });

  const ran = (endedMs: number, change: Partial<RunFigures> = {}) => ({
    ...{ sequences: 4, rows: 4, steps: 10, deviceMs: 95, endedMs },
    ...change,
  });

  it("counts as overhead the time outside the steps of runs in which all decode", () => {
    const heard = [ran(0, { rows: 64 }), ran(100), ran(200), ran(290, { sequences: 3, rows: 3 }), ran(390)];
    const runs = decodingRuns(heard, 4);
    assert.deepEqual(
      runs.map(({ wallMs }) => wallMs),
      [100, 100, 100],
    );
    assert.equal(decodingRuns(heard).length, 4);
    const row = overheadRow(runs, 4);
    const rounded = ["share", "shareP50", "p50Ms", "stepMs"].map((name) => Number(row[name]).toFixed(3));
    assert.deepEqual(rounded, ["0.050", "0.050", "0.500", "9.500"]);
    assert.equal(overheadRow([], 4)["share"], 0);
  });

  it("tells the tokens of several together against one's alone, of those runs only", async () => {
    const runs = decodingRuns([ran(0), ran(100), ran(200)]);
    assert.equal(Math.round(tokensPerSecondOf(runs)), 400);
    assert.equal(tokensPerSecondOf([]), 0);
    assert.ok(named(await run(new FakeDoor()), "4 answers together against one alone"));
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
