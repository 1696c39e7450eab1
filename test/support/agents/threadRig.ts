import path from "node:path";
import type { ModelAccess, ModelSession, TextModel } from "../../../src/agents/ports";
import type { CacheLimits } from "../../../src/agents/threads/threadCaches";
import { Threads } from "../../../src/agents/threads/threads";
import { ResidentError, throwIfAborted } from "../../../src/common/errors";
import type { Log } from "../../../src/common/log";
import type { ChatMessage } from "../../../src/common/messages";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { EngineDriver } from "../../../src/engine/driver";
import type { WindowGeometry } from "../../../src/engine/ports";
import type { ChatRequest, Running } from "../../../src/protocol/service";
import { threadsFolder } from "../../../src/store/agentStore";
import { type BlockIdentity, createBlockHasher } from "../../../src/store/blockIdentity";
import { BlockStore } from "../../../src/store/blockStore";
import { ReferenceReader } from "../../../src/store/references";
import { ThreadFiles } from "../../../src/store/threadFiles";
import { createTextModel } from "../../../src/text/textModel";
import { isWritable } from "../engine/engineRig";
import { referenceAnswer } from "../engine/fakeModel";
import { FakeClock } from "../engine/fakePorts";
import { FakeRunner } from "../engine/fakeRunner";
import { FakeBlockFiles } from "../store/fakeBlockFiles";
import { FlakyFiles, identity } from "../store/fakes";
import { byteLevelTokenizer } from "../text/tinyTokenizers";
import type { Done } from "./agentRig";
import { FakeCaller, FakeThinker } from "./fakeText";
import { Leases } from "./leases";

/** The ids of `byteLevelTokenizer`, without the two that stop or begin a message and the last ones. */
const vocabSize = 271;

const template =
  "{% if tools %}<|im_start|>tools\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}" +
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

export interface ThreadRigOptions {
  readonly totalBlocks?: number;
  readonly contextTokens?: number;
  readonly maxAnswerTokens?: number;
  readonly template?: string;
  readonly identity?: Partial<BlockIdentity>;
  /** Shorter caches are not saved. */
  readonly longTokens?: number;
  readonly caches?: Partial<CacheLimits>;
  /** How many letters of each answer are a thought. */
  readonly thoughtTokens?: number;
  /** Behind how many letters each answer calls a tool, where it is told of one. */
  readonly callAfter?: number;
  readonly storeQuotaBytes?: number;
  /** The window layers have blocks of their own. */
  readonly window?: WindowGeometry;
}

/** The threads of one process: a real store, engine and text model over a fake device. */
export class ThreadRig {
  readonly runner: FakeRunner;
  readonly clock = new FakeClock();
  readonly files: FakeBlockFiles;
  readonly disk = new FlakyFiles();
  readonly session: ModelSession;
  readonly threads: Threads;
  readonly references: ReferenceReader;
  readonly logged: string[] = [];
  /** Prompts, by the text of the last message. */
  readonly prompts = new Map<string, Int32Array>();
  savedBytes = 0;
  private readonly leases = new Leases();
  private numRequests = 0;
  private readonly maxAnswerTokens: number;
  private time = 1_700_000_000_000;

  constructor(
    readonly home: string,
    options: ThreadRigOptions = {},
  ) {
    const ids = { ...identity, ...options.identity };
    const { blockTokens } = ids;
    const contextTokens = options.contextTokens ?? 4096;
    this.maxAnswerTokens = options.maxAnswerTokens ?? 6;
    const totalBlocks = options.totalBlocks ?? 1024;
    const geometry = { totalBlocks, blockTokens, maxContextTokens: contextTokens, vocabSize };
    this.runner = new FakeRunner({ ...geometry, ...(options.window && { window: options.window }) });
    this.files = new FakeBlockFiles(blockTokens, {
      get: (block) => this.runner.contentsOf(block),
      set: (block, contents) => this.runner.setContents(block, contents),
    });
    const engine = new BlockPoolBatchEngine(this.runner, createBlockHasher(ids), this.clock, {
      checked: true,
      windowSlackTokens: 8,
    });
    this.runner.mayWrite = (block) => isWritable(engine, block);
    const log: Log = { log: (_, message) => this.logged.push(message) };
    new EngineDriver(engine, log);
    this.session = {
      ...{ directory: "/models/fake", name: "fake", contextTokens, identity: ids, engine, files: this.files },
      text: this.text(options),
      sampling: {},
    };
    this.references = new ReferenceReader(path.join(home, "agents"), path.join(home, threadsFolder));
    this.threads = new Threads({
      models: this.access(),
      blocks: new BlockStore(path.join(home, "store")),
      files: new ThreadFiles(path.join(home, threadsFolder), this.disk),
      clock: this.clock,
      wallClockMs: () => {
        this.time += 1000;
        return this.time;
      },
      sampling: () => ({ temperature: 0, maxTokens: this.maxAnswerTokens }),
      storeQuotaBytes: () => options.storeQuotaBytes ?? 1e9,
      log,
      onSaved: (bytes) => {
        this.savedBytes += bytes;
      },
      saveAfterMs: 1,
      caches: { longTokens: options.longTokens ?? 24, ...options.caches },
    });
  }

  start(messages: readonly ChatMessage[], request: Partial<ChatRequest> = {}): Running {
    this.numRequests += 1;
    return this.threads.start(`r${this.numRequests}`, { modelDirectory: "/models/fake", messages, ...request });
  }

  ask(messages: readonly ChatMessage[], request: Partial<ChatRequest> = {}): Promise<Done> {
    return this.start(messages, request).done;
  }

  /** The prompt of the last request whose last message has this text. */
  promptOf(text: string): Int32Array {
    const ids = this.prompts.get(text);
    if (ids === undefined) throw new Error(`no prompt was built for ${text}`);
    return ids;
  }

  /** What the model says after the prompt, computed without any cache. */
  expected(text: string): readonly number[] {
    const { stopIds } = this.session.text;
    return referenceAnswer({ tokens: this.promptOf(text), maxTokens: this.maxAnswerTokens, stopIds }, vocabSize);
  }

  /** Every block belongs to exactly those that are known to hold it. */
  assertWhole(): void {
    this.session.engine.assertInvariants();
  }

  private text({ template: chatTemplate = template, thoughtTokens = 0, callAfter }: ThreadRigOptions): TextModel {
    const text = createTextModel({
      tokenizer: byteLevelTokenizer(),
      tokenizerConfig: { chat_template: chatTemplate, eos_token: "<|im_end|>" },
      config: { eos_token_id: 267 },
    });
    const { prompts } = text;
    let numCalls = 0;
    const buildAfter: typeof prompts.buildAfter = async (dialogue, signal) => {
      const built = await prompts.buildAfter(dialogue, signal);
      this.prompts.set(dialogue.input.at(-1)?.content ?? "", built.ids);
      return built;
    };
    return {
      stopIds: text.stopIds,
      callOpenerIds: text.callOpenerIds,
      prompts: {
        build: (...args) => prompts.build(...args),
        ahead: (...args) => prompts.ahead(...args),
        aheadAfter: (...args) => prompts.aheadAfter(...args),
        countText: (...args) => prompts.countText(...args),
        raw: (...args) => prompts.raw(...args),
        answerSegments: (answer) => prompts.answerSegments(answer),
        buildAfter,
      },
      constraint: () => undefined,
      startAnswer: (stops, prompt, { tools, mode } = { tools: [], mode: "none" }) => {
        const thinker = new FakeThinker(text.startAnswer(stops, prompt), thoughtTokens);
        if (callAfter === undefined || mode === "none") return thinker;
        return new FakeCaller(thinker, callAfter, tools, () => {
          numCalls += 1;
          return `call-${numCalls}`;
        });
      },
    };
  }

  get heldLeases(): number {
    return this.leases.held;
  }

  private access(): ModelAccess {
    return {
      current: this.session,
      loaded: () => this.session,
      lease: async (directory, signal) => {
        if (directory !== this.session.directory) {
          throw new ResidentError("MODEL_NOT_FOUND", `there is no model in ${directory}`, "choose another");
        }
        throwIfAborted(signal);
        return this.leases.take(this.session);
      },
      isFree: () => true,
      describe: async () => ({ name: "fake", contextTokens: this.session.contextTokens }),
      prompts: async () => this.session.text.prompts,
    };
  }
}

export const user = (content: string): ChatMessage => ({ role: "user", content });
export const system = (content: string): ChatMessage => ({ role: "system", content });
/** An answer as the other program sends it back: without thought and ids. */
export const said = ({ text, calls }: Done): ChatMessage => ({
  role: "assistant",
  content: text,
  ...(calls && { calls }),
});
