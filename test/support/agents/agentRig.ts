import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { type Agents, createAgents } from "../../../src/agents/agents";
import type { AnswerDecoder, ModelAccess, ModelSession, TextModel } from "../../../src/agents/ports";
import { noServers, type Servers } from "../../../src/agents/serverPort";
import { throwIfAborted } from "../../../src/common/errors";
import { silentLog } from "../../../src/common/log";
import type { Unconstrained } from "../../../src/common/tools";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { EngineDriver } from "../../../src/engine/driver";
import type { Grammar, WindowGeometry } from "../../../src/engine/ports";
import type { GenerationEvent, Running, SamplingOptions, SendRequest, TurnView } from "../../../src/protocol/service";
import { AgentStore } from "../../../src/store/agentStore";
import { type BlockIdentity, createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore } from "../../../src/store/blockStore";
import type { Dialogue } from "../../../src/text/prompt";
import { isWritable } from "../engine/engineRig";
import { FakeClock } from "../engine/fakePorts";
import { FakeRunner } from "../engine/fakeRunner";
import { FakeBlockFiles } from "../store/fakeBlockFiles";
import { FakeLocks, FlakyFiles, identity } from "../store/fakes";
import { FakeCaller, FakeThinker, fakeText, fakeTextVocabSize } from "./fakeText";
import { Leases } from "./leases";

export interface RigOptions {
  readonly totalBlocks?: number;
  readonly contextTokens?: number;
  readonly maxAnswerTokens?: number;
  readonly settings?: SamplingOptions;
  /** No setting is set, so the model's own sampling applies. */
  readonly isUnset?: boolean;
  /** The sampling in the model's files. */
  readonly modelSampling?: SamplingOptions;
  readonly identity?: Partial<BlockIdentity>;
  readonly locks?: FakeLocks;
  readonly lockGraceMs?: number;
  /** The window layers have blocks of their own. */
  readonly window?: WindowGeometry;
  /** How many letters of each answer are a thought. */
  readonly thoughtTokens?: number;
  /** Behind how many letters each answer calls a tool, where it is told of one. */
  readonly callAfter?: number;
  /** What decodes an answer to a prompt, in place of the letters of the fake model. */
  readonly decoder?: (prompt: Int32Array) => AnswerDecoder;
  readonly servers?: Servers;
  /** What holds an answer, by the name of the first tool that the agent is told of. */
  readonly grammars?: Readonly<Record<string, Grammar>>;
  /** What they leave out. */
  readonly unconstrained?: readonly Unconstrained[];
}

/** Ends an answer that a grammar holds. */
const stopId = fakeTextVocabSize - 1;

export type Done = Extract<GenerationEvent, { type: "done" }>;

/** The agents of one process: real store and engine over a device, a text model and locks that are fake. */
export class AgentRig {
  readonly runner: FakeRunner;
  readonly clock = new FakeClock();
  readonly files: FakeBlockFiles;
  readonly disk = new FlakyFiles();
  readonly session: ModelSession;
  readonly agents: Agents;
  readonly store: AgentStore;
  /** Ids of the prompt built last. */
  lastPrompt: Int32Array = new Int32Array(0);
  /** What its prompt was built from. */
  lastDialogue: Dialogue | undefined;
  /** The drafts for which a prompt was rendered ahead. */
  readonly renderedAhead: string[] = [];
  /** Leases wait for this promise, as for a model that is being loaded. */
  loading: Promise<void> = Promise.resolve();
  cancelledLeases = 0;
  /** Whether the model counts as loaded for callers that do not load it themselves. */
  isLoaded = true;
  /** Number of leases that were not released. */
  private readonly leases = new Leases();
  private time = 1_700_000_000_000;

  constructor(home: string, options: RigOptions = {}) {
    const contextTokens = options.contextTokens ?? 512;
    const ids = { ...identity, ...options.identity };
    const { blockTokens } = ids;
    const { window } = options;
    const geometry = { totalBlocks: options.totalBlocks ?? 128, blockTokens, ...(window && { window }) };
    this.runner = new FakeRunner({ ...geometry, maxContextTokens: contextTokens, vocabSize: fakeTextVocabSize });
    // A usual disk is faster than a model: a message is on disk before its answer gets far.
    this.runner.beforeStep = () => this.disk.settled();
    this.files = new FakeBlockFiles(blockTokens, {
      get: (block) => this.runner.contentsOf(block),
      set: (block, contents) => this.runner.setContents(block, contents),
    });
    const engine = new BlockPoolBatchEngine(this.runner, createBlockHasher(ids), this.clock, {
      checked: true,
      windowSlackTokens: 8,
      onWindowLeft: (left) => this.agents.residency.saveLeft(this.session, left),
    });
    this.runner.mayWrite = (block) => isWritable(engine, block);
    new EngineDriver(engine, silentLog);
    this.session = {
      directory: "/models/fake",
      name: "fake",
      contextTokens,
      identity: ids,
      engine,
      files: this.files,
      text: this.text(options),
      sampling: options.modelSampling ?? {},
      ...(options.grammars && { compileGrammar: async ({ text }) => found(options.grammars?.[text]) }),
    };
    const locks = (options.locks ?? new FakeLocks()).process();
    this.store = new AgentStore(
      path.join(home, "agents"),
      this.disk,
      () => locks,
      () => this.time,
    );
    this.agents = createAgents({
      store: this.store,
      blocks: new BlockStore(path.join(home, "store")),
      models: this.access(),
      servers: options.servers ?? noServers,
      clock: this.clock,
      wallClockMs: () => {
        this.time += 1000;
        return this.time;
      },
      // Greedy, so that the agent always gives the same answer.
      sampling: () =>
        options.isUnset === true
          ? {}
          : { temperature: 0, maxTokens: options.maxAnswerTokens ?? 8, ...options.settings },
      defaultModel: () => "/models/fake",
      log: silentLog,
      ...(options.lockGraceMs === undefined ? {} : { lockGraceMs: options.lockGraceMs }),
    });
  }

  /** Creates an agent and returns its id. */
  async create(name = "Ada", system = ""): Promise<string> {
    return (await this.agents.create({ name, system })).id;
  }

  /** Sends a message and waits for the answer and for the save and the read-ahead after it. */
  async ask(id: string, text: string, sampling?: SendRequest["sampling"]): Promise<Done> {
    const running = await this.agents.send(id, { text, ...(sampling && { sampling }) });
    return this.over(id, running);
  }

  async over(id: string, running: Running): Promise<Done> {
    const done = await running.done;
    await this.agents.save(id);
    // The next message may not fit.
    await this.agents.warm(id).catch(() => {});
    return done;
  }

  /** The turn at the head. */
  async lastTurn(id: string): Promise<TurnView> {
    const turn = (await this.agents.get(id)).turns.at(-1);
    assert.ok(turn);
    return turn;
  }

  /** The clock on the wall goes on to the next day. */
  passDay(): void {
    this.time += 86_400_000;
  }

  private text({ thoughtTokens = 0, callAfter, grammars, unconstrained = [], decoder }: RigOptions): TextModel {
    const { prompts, ...text } = fakeText(grammars === undefined ? [] : [stopId]);
    const buildAfter: typeof prompts.buildAfter = async (dialogue, signal) => {
      const built = await prompts.buildAfter(dialogue, signal);
      this.lastPrompt = built.ids;
      this.lastDialogue = dialogue;
      return built;
    };
    return {
      ...text,
      constraint: ({ tools: [tool] = [] }) =>
        tool === undefined || grammars === undefined
          ? undefined
          : { grammar: { kind: "structuralTag", text: tool.name }, unconstrained },
      startAnswer: (stops, prompt = new Int32Array(0), { tools, mode } = { tools: [], mode: "none" }) => {
        if (decoder !== undefined) return decoder(prompt);
        const thinker = new FakeThinker(text.startAnswer(stops), thoughtTokens);
        if (callAfter === undefined || mode === "none") return thinker;
        return new FakeCaller(thinker, callAfter, tools, () => `call-${randomUUID()}`);
      },
      prompts: {
        build: (messages, history) => prompts.build(messages, history),
        ahead: (messages, history) => prompts.ahead(messages, history),
        buildAfter,
        aheadAfter: (dialogue, signal) => {
          this.renderedAhead.push(dialogue.input.at(-1)?.content ?? "");
          return prompts.aheadAfter(dialogue, signal);
        },
        countText: (counted) => prompts.countText(counted),
        raw: (raw) => prompts.raw(raw),
        answerSegments: (answer) => prompts.answerSegments(answer),
      },
    };
  }

  get heldLeases(): number {
    return this.leases.held;
  }

  private access(): ModelAccess {
    return {
      current: this.session,
      loaded: () => (this.isLoaded ? this.session : undefined),
      lease: async (_directory, signal) => {
        signal?.addEventListener("abort", () => {
          this.cancelledLeases += 1;
        });
        await this.loading;
        throwIfAborted(signal);
        return this.leases.take(this.session);
      },
      isFree: () => true,
      describe: async () => ({ name: "fake", contextTokens: this.session.contextTokens }),
      prompts: async () => this.session.text.prompts,
    };
  }
}

function found<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}

export function record(running: Running): GenerationEvent[] {
  const events: GenerationEvent[] = [];
  running.onEvent((event) => events.push(event));
  return events;
}

/** Resolves once the running answer has shown so many letters. */
export function lettersOf(running: Running, letters: number): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => {
    running.onEvent((event) => {
      if (event.type === "text") seen += event.text.length;
      if (seen >= letters) resolve();
    });
  });
}
