/**
 * The one async door between the programs (extension, CLI) and the core. The core may run in the same thread, in a worker
 * thread or elsewhere: `wire.ts` says what crosses then, which is plain, structured-clonable data. Every method may reject
 * with a `ResidentError`.
 */
import type { Disposable } from "../common/disposables";
import type { ErrorInfo } from "../common/errors";
import type { Event } from "../common/events";
import type { KvDtype } from "../common/kvDtypes";

export type AgentId = string;
export type TurnId = string;

/** Where an agent's cache is: blocks in the pool; on disk; nowhere. */
export type Tier = "hot" | "warm" | "cold";
export type FinishReason = "stop" | "length" | "aborted";

// ---- figures of a turn -------------------------------------------------------------------------------------------

/** Why a part of a stored cache was not used; `atToken` tokens before it were. */
export interface CacheRefusal {
  readonly code: string;
  readonly reason: string;
  readonly atToken: number;
}

export interface CacheSource {
  /** Where the reused tokens came from: memory, disk, or nothing was reused. */
  readonly tier: Tier;
  readonly refused?: CacheRefusal;
}

/** Counts are tokens. promptTokens = reusedTokens + prefilledTokens. */
export interface TurnFigures {
  readonly promptTokens: number;
  readonly reusedTokens: number;
  readonly prefilledTokens: number;
  readonly generatedTokens: number;
  /** Of prompt and answer, read twice: the blocks were needed by an older turn in between. Absent where none were. */
  readonly recomputedTokens?: number;
  /** From submit (model loaded, caches restored) to the first token. */
  readonly ttftMs: number;
  readonly restoreMs: number;
  /**
   * From the message's arrival at the core to the first token, with all that the person waited for: the commit, the
   * model's load, the queue, the restore. Absent in turns that were saved before it was measured.
   */
  readonly waitMs?: number;
  /** The part of `waitMs` in which the model was waited for and loaded; absent where it was there. */
  readonly modelMs?: number;
  /** (n − 1) / (last − first); 0 when n < 2. */
  readonly decodeTokensPerSecond: number;
  readonly cache: CacheSource;
}

/**
 * How an answer is sampled; `src/common/samplingRanges.ts` has the range of each number. What a request leaves out is the
 * agent's own, then the user's settings', then the model's (from its `generation_config.json`, or known for its weights),
 * then this program's.
 */
export interface SamplingOptions extends AgentSampling {
  readonly logitBias?: Readonly<Record<number, number>>;
  readonly stop?: readonly string[];
}

/** What an agent may have of its own. */
export interface AgentSampling {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** Counts the last 64 tokens of the answer. */
  readonly repetitionPenalty?: number;
  /** Counts the answer's tokens, as does the frequency penalty. */
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** Without one a random seed is drawn for each answer. */
  readonly seed?: number;
  /** Longest answer. What is more than fits the context and the pool, and what is left out, is what fits. */
  readonly maxTokens?: number;
}

// ---- running work ------------------------------------------------------------------------------------------------

/**
 * Every running answer tells its story in this order: continues? → queued? → restoring? → prefill* → text* → done | failed.
 */
export type GenerationEvent =
  /** A cut answer goes on: `text` is what it was. The texts that follow stand behind it and do not repeat it. */
  | { readonly type: "continues"; readonly text: string }
  | { readonly type: "waitingModel"; readonly reason: string }
  | { readonly type: "queued"; readonly neededBlocks: number; readonly turnsAhead: number }
  | { readonly type: "restoring"; readonly tokens: number }
  /** `done` of `total` new tokens are read; `reused` were not read again. */
  | {
      readonly type: "prefill";
      readonly done: number;
      readonly total: number;
      readonly reused: number;
      readonly tokensPerSecond: number;
    }
  /** `text` is new text to append; `figures` are those so far. Never half a character. */
  | { readonly type: "text"; readonly text: string; readonly figures: TurnFigures }
  /** `text` and `tokenIds` are what this running has added; `figures` are its own too. */
  | {
      readonly type: "done";
      readonly text: string;
      readonly tokenIds: readonly number[];
      readonly finishReason: FinishReason;
      readonly figures: TurnFigures;
      readonly saveError?: ErrorInfo;
    }
  | { readonly type: "failed"; readonly error: ErrorInfo };

/** Names a running answer; unique among those of one core. */
export type RunningId = string;

/** One answer in the making. `onEvent` tells a late listener the story so far; `done` resolves or rejects once. */
export interface Running {
  readonly id: RunningId;
  onEvent(listener: (event: GenerationEvent) => void): Disposable;
  readonly done: Promise<Extract<GenerationEvent, { type: "done" }>>;
  /** Takes effect within a step; what was read and said is kept. */
  abort(): void;
}

export interface GenerateRequest {
  readonly prompt: string;
  /** Applies no chat template. */
  readonly raw?: boolean;
  readonly system?: string;
  readonly sampling?: SamplingOptions;
  /** false: nothing is guessed, whatever the settings say (for measurements). */
  readonly promptLookup?: boolean;
}

// ---- agents ------------------------------------------------------------------------------------------------------

export interface AgentSummary {
  readonly id: AgentId;
  readonly name: string;
  readonly modelDirectory: string;
  readonly modelName: string;
  /** Order of creation, from 0: chooses the agent's colour. */
  readonly index: number;
  readonly tier: Tier;
  readonly state: "idle" | "waiting" | "reading" | "answering" | "restoring";
  /** Tokens of the branch at the head; hot ones; ones on disk. */
  readonly tokens: number;
  readonly hotTokens: number;
  readonly diskTokens: number;
  readonly diskBytes: number;
  readonly contextTokens: number;
  readonly turnCount: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Leaves memory after all others when room is needed. */
  readonly pinned: boolean;
  /** What this agent's answers are sampled with, unless a request says otherwise; absent: it has nothing of its own. */
  readonly sampling?: AgentSampling;
  /** Another process holds the agent's lock, as it was within the last two seconds: it can be read and forked, not continued. */
  readonly lockedElsewhere: boolean;
  /** Why it cannot be continued before it is repaired; what can be read of it is shown, and it can be deleted. */
  readonly damage?: ErrorInfo;
}

export interface TurnView {
  readonly id: TurnId;
  readonly parent?: TurnId;
  readonly user: string;
  /** Empty until the answer begins. */
  readonly answer: string;
  /** "interrupted": the process ended before the answer did; the partial answer is kept. */
  readonly state: "running" | "done" | "interrupted" | "failed";
  readonly finishReason?: FinishReason;
  readonly figures?: TurnFigures;
  readonly error?: ErrorInfo;
  readonly saveError?: ErrorInfo;
  readonly createdAt: number;
}

export interface AgentDetail extends AgentSummary {
  readonly system: string;
  /** The branch at the head, oldest first; its end where only the newest turns were asked for. */
  readonly turns: readonly TurnView[];
  /**
   * All turns as a tree, parents first. Empty where there is only the branch at the head, and where only the newest turns
   * were asked for: the tree grows with the conversation.
   */
  readonly branches: readonly TurnChain[];
  /** Number of chains in the whole tree, also where `branches` leaves them out; 0 where there is only one branch. */
  readonly branchCount: number;
}

/** Turns that follow each other, up to the next turn that has several successors, or the head. */
export interface TurnChain {
  /** Its last turn: `rewindAgent` to it makes it the head. */
  readonly turn: TurnId;
  /** The `turn` of the chain that it follows; absent: it begins the conversation. */
  readonly after?: TurnId;
  /** It is a part of the branch at the head. */
  readonly current: boolean;
  /** Nothing follows it: it is the end of a branch. */
  readonly isEnd: boolean;
  /** The beginnings of its first turn's message and answer, at most 160 characters each. */
  readonly user: string;
  readonly answer: string;
  /** Turns in this chain; all tokens from the conversation's start to its end. */
  readonly turns: number;
  readonly tokens: number;
  /** When its last turn was asked, in ms since 1970. */
  readonly createdAt: number;
}

/** How long a message that is being written is. */
export interface DraftSize {
  /** Of the draft alone. */
  readonly draftTokens: number;
  /** Of the whole prompt if it were sent now: history, template and draft. */
  readonly promptTokens: number;
  readonly contextTokens: number;
}

export interface CreateAgentRequest {
  readonly name: string;
  readonly system?: string;
  readonly modelDirectory?: string;
  /** Also while an agent cannot be read whose name may be the same. */
  readonly besideUnreadable?: boolean;
}

/** What a repair found and did. */
export interface AgentRepair {
  readonly id: AgentId;
  /** Another one than before where that was taken meanwhile, or could not be found. */
  readonly name: string;
  /** Nothing was damaged, and nothing was changed. */
  readonly wasWhole: boolean;
  readonly keptTurns: number;
  /** Behind the damage; those whose first record could be read. */
  readonly lostTurns: number;
  readonly lostRecords: number;
  readonly damages: readonly string[];
  /** The first record that was lost, from 1, and the byte of the turn log at which it began. */
  readonly lostFrom?: { readonly record: number; readonly byte: number };
  /** The damaged files, kept beside the new ones until somebody deletes them. */
  readonly keptFiles: readonly string[];
}

export interface SendRequest {
  readonly text: string;
  /** The message takes the place of this turn's: a new branch from the turn before it. */
  readonly instead?: TurnId;
  readonly sampling?: SamplingOptions;
}

// ---- models ------------------------------------------------------------------------------------------------------

export interface ModelSummary {
  readonly directory: string;
  readonly name: string;
  readonly architecture: string;
  readonly quantization: string;
  readonly weightBytes: number;
  readonly contextTokens: number;
  readonly isStarter: boolean;
  /** Why it cannot be used, if so. */
  readonly problem?: ErrorInfo;
}

export interface ModelDetail extends ModelSummary {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly kvBytesPerToken: number;
  readonly hasChatTemplate: boolean;
  readonly eosTokens: readonly string[];
  /** Digest of the weights, by which caches know their model. Absent until this model was loaded once as it is now. */
  readonly weightsId?: string;
}

export interface ImportRequest {
  readonly file: string;
  /** Name of the model and of its folder; the file's name without one. */
  readonly name?: string;
  /** Folder to make; `<home>/models/<name>` without one. */
  readonly target?: string;
  /** Replaces a folder that is there already, once the new one is whole. */
  readonly replace?: boolean;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "tensors" | "runs";
  readonly message: string;
}

// ---- status ------------------------------------------------------------------------------------------------------

export type EngineState =
  | { readonly type: "idle" } // nothing loaded yet; loads on first need
  | { readonly type: "noModel"; readonly error?: ErrorInfo }
  | { readonly type: "addonMissing"; readonly error: ErrorInfo }
  | { readonly type: "loading"; readonly model: string; readonly done: number; readonly total: number }
  | { readonly type: "ready"; readonly model: ModelSummary; readonly device: string; readonly mlxVersion: string }
  | { readonly type: "failed"; readonly error: ErrorInfo };

/** Metrics carry vLLM's names, in camel case. Rates are over the last seconds, 0 when idle. */
export interface EngineMetrics {
  readonly kvCacheUsage: number; // 0…1
  readonly prefixCacheQueries: number; // tokens asked for
  readonly prefixCacheHits: number; // tokens found
  readonly numRequestsRunning: number;
  readonly numRequestsWaiting: number;
  readonly numPreemptions: number;
  readonly specDecodeNumDraftTokens: number; // guessed from the agent's own tokens
  readonly specDecodeNumAcceptedTokens: number; // of them, right
  readonly decodeTokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
  readonly ttftP50Ms: number;
  readonly ttftP95Ms: number;
  readonly movedSlabs: number;
}

export interface PoolReduction {
  readonly wantedBytes: number;
  /** Why it is smaller, in words. */
  readonly reason: string;
}

export interface PoolStatus {
  /** All blocks, those of layers with a window included. */
  readonly bytes: number;
  readonly totalBlocks: number;
  readonly usedBlocks: number;
  readonly reusableBlocks: number;
  readonly freeBlocks: number;
  readonly blockTokens: number;
  readonly blockBytes: number;
  /** Blocks of the layers that see a window only, where they have their own; all other numbers are of the other layers. */
  readonly window?: { readonly totalBlocks: number; readonly usedBlocks: number };
  /** The pool is smaller than was wanted. */
  readonly reduced?: PoolReduction;
  /** Runs of blocks in id order: whose they are ("" = used by no agent), how many. Agent of first reference for shared ones. */
  readonly map: readonly {
    readonly kind: "agent" | "shared" | "reusable" | "free";
    readonly agent?: AgentId;
    readonly count: number;
  }[];
}

export interface StoreStatus {
  readonly path: string;
  readonly objects: number;
  readonly bytes: number;
  readonly quotaBytes: number;
  readonly refused: number;
  readonly lastRefusal?: string;
  readonly lastSaveError?: ErrorInfo;
  /** Why its files could not be counted, kept within the quota or collected the last time. */
  readonly problem?: ErrorInfo;
  readonly lastVerified?: StoreVerified;
}

/** What the last verification of the store found. */
export interface StoreVerified {
  /** ISO date and time of its end. */
  readonly at: string;
  readonly checked: FileTotals;
  /** Files that are damaged or cannot be read, and are still there. */
  readonly problems: number;
  /** It was stopped before all files were read. */
  readonly stopped: boolean;
}

/** Files and their size together. */
export interface FileTotals {
  readonly objects: number;
  readonly bytes: number;
}

/** What is on disk, counted file by file. */
export interface StoreStats extends FileTotals {
  readonly path: string;
  readonly quotaBytes: number;
  /** Left on the disk for this user. */
  readonly freeDiskBytes: number;
  /** By the folder of their model; `name` where an agent says it. */
  readonly models: readonly (FileTotals & { readonly folder: string; readonly name?: string })[];
  /** What some agent refers to, and what none does: the latter goes with the next collection once it is an hour old. */
  readonly referenced: FileTotals;
  readonly unreferenced: FileTotals;
  readonly agents: number;
  /** All files in the agents' folders: conversations, tokens, keys, tails. */
  readonly agentFiles: FileTotals;
  /** Agents whose references cannot be known, and why, where something seems unreferenced: it is not collected then. */
  readonly unknown: readonly { readonly agent: string; readonly reason: string }[];
}

export interface StoreProblem {
  readonly path: string;
  readonly bytes: number;
  /** "unreadable": the file may be good, so nothing removes it. */
  readonly code: string;
  readonly reason: string;
}

export interface StoreVerification {
  readonly checked: FileTotals;
  readonly problems: readonly StoreProblem[];
  /** It was stopped before all files were read. */
  readonly stopped: boolean;
}

export interface StoreCollection {
  readonly removed: FileTotals;
  /** Left by writes that were never ended. */
  readonly temporaryFiles: number;
  /** Unreferenced, and too young to be removed: somebody may be about to name them. */
  readonly young: FileTotals;
  readonly unknown: StoreStats["unknown"];
}

export interface StoreRepair {
  readonly verification: StoreVerification;
  /** Damaged files that were removed: what they held is read again. */
  readonly removed: FileTotals;
  /** Damaged agents that were repaired, and those that could not be. */
  readonly agents: readonly AgentRepair[];
  readonly failed: readonly { readonly agent: AgentId; readonly error: ErrorInfo }[];
}

/** What was forgotten. */
export interface StoreForgotten {
  readonly agents: number;
  readonly removed: FileTotals;
}

export interface ServiceStatus {
  readonly engine: EngineState;
  readonly metrics: EngineMetrics;
  readonly pool?: PoolStatus;
  readonly store: StoreStatus;
  readonly agents: readonly AgentSummary[];
  readonly lastBench: readonly BenchReport[];
  readonly benchRunning?: { readonly suite: BenchSuite; readonly progress: Progress };
}

// ---- bench -------------------------------------------------------------------------------------------------------

export const benchSuiteNames = ["exp-005", "exp-006", "resume", "throughput", "engine", "host", "soak"] as const;
export type BenchSuite = (typeof benchSuiteNames)[number];

export interface BenchRow {
  readonly case: string;
  readonly n: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly geometry?: string;
  readonly bytes?: number;
  /** What else the suite measures, by name with its unit: `tokensPerSecond`, `ratio`, `targetMs`, `identical` … */
  readonly [extra: string]: string | number | boolean | undefined;
}

export interface BenchReport {
  readonly suite: BenchSuite;
  /** ISO date and time. */
  readonly at: string;
  readonly machine: string;
  readonly rows: readonly BenchRow[];
}

export interface DiagnoseReport {
  /** Titles with name/value lines; rendered as text by the programs. */
  readonly sections: readonly { readonly title: string; readonly lines: readonly (readonly [string, string])[] }[];
}

// ---- the door ----------------------------------------------------------------------------------------------------

export type ServiceEvent =
  | { readonly type: "engine"; readonly state: EngineState }
  /** An agent was made, changed (name, tier, state, turns) or deleted (`summary` absent). */
  | { readonly type: "agent"; readonly id: AgentId; readonly summary?: AgentSummary }
  /** A turn of an agent started: its running answer can be had from `running(agent)`. */
  | { readonly type: "turnStarted"; readonly id: AgentId; readonly turn: TurnId }
  | { readonly type: "turnEnded"; readonly id: AgentId; readonly turn: TurnId }
  | { readonly type: "bench"; readonly suite: BenchSuite; readonly progress?: Progress; readonly report?: BenchReport }
  /** The core ended without having been asked to, and no call to this service will be answered any more. */
  | { readonly type: "ended"; readonly error: ErrorInfo };

export interface ResidentService {
  readonly onEvent: Event<ServiceEvent>;
  status(): Promise<ServiceStatus>;
  diagnose(): Promise<DiagnoseReport>;

  // models
  listModels(): Promise<readonly ModelSummary[]>;
  inspectModel(directory: string): Promise<ModelDetail>;
  /** Makes `directory` the default for new agents and for `generate`; loads it on first need. */
  chooseModel(directory: string): Promise<ModelSummary>;
  /** Loads the default model now. */
  loadModel(signal?: AbortSignal): Promise<ModelSummary>;
  /** Saves hot agents, then gives the model's memory back. A load that is under way is cancelled. */
  unloadModel(): Promise<void>;
  importGguf(
    request: ImportRequest,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<ModelSummary>;
  /** Fetches and imports the starter model unless it is there already; does not change the default model. */
  getStarterModel(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<ModelSummary>;

  // one-off generation
  generate(request: GenerateRequest): Running;

  // agents
  listAgents(): Promise<readonly AgentSummary[]>;
  /** With `newestTurns` only so many of its turns and no `branches`: a long conversation is a lot of data. */
  getAgent(id: AgentId, newestTurns?: number): Promise<AgentDetail>;
  /**
   * By id, or by exact name; `undefined`: there is none. Rejects where that cannot be known: an agent whose name is not
   * known is damaged (AGENT_CORRUPT), or could not be looked at (IO_FAILURE).
   */
  findAgent(nameOrId: string): Promise<AgentSummary | undefined>;
  createAgent(request: CreateAgentRequest): Promise<AgentSummary>;
  renameAgent(id: AgentId, name: string): Promise<AgentSummary>;
  setSystemPrompt(id: AgentId, system: string): Promise<AgentSummary>;
  /** A new agent with everything up to and including `turn` (default: the head). No token is read again. */
  forkAgent(id: AgentId, name: string, turn?: TurnId): Promise<AgentSummary>;
  /** Makes `turn` the head (`undefined`: before the first turn). The branch that was left stays reachable. */
  rewindAgent(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary>;
  /**
   * The way on when the context is full: copies of the last `turns` answered turns become a new branch, which is read
   * anew with the next message. The branch that was left stays reachable.
   */
  startOver(id: AgentId, turns: number): Promise<AgentSummary>;
  deleteAgent(id: AgentId): Promise<void>;
  /** Makes a damaged agent one that can be continued, with every turn up to the damage. */
  repairAgent(id: AgentId): Promise<AgentRepair>;
  /**
   * Read ahead: makes the agent hot before anything is sent. `draft` is what is written of the next message: it is read
   * too, so that little is left when it is sent; a later draft replaces it, and one that is never sent is not saved with
   * the cache. Low priority. Resolves when hot or when overtaken.
   */
  warmAgent(id: AgentId, draft?: string): Promise<AgentSummary>;
  /**
   * How long a message would be behind the head, or in the place of turn `instead`; `undefined` while the agent's model is
   * not loaded. Cheap where little has changed.
   */
  measureDraft(id: AgentId, draft: string, instead?: TurnId): Promise<DraftSize | undefined>;
  /**
   * Commits the message and answers it: it is read while it is written to the disk, this resolves when it is there, and no
   * part of the answer is shown before. Rejects, with nothing changed, where it cannot be saved. A message that does not
   * fit the context is not kept: the head goes back.
   */
  send(id: AgentId, request: SendRequest): Promise<Running>;
  /**
   * Answers the head's (or `turn`'s) message again, on a new branch. Where only the model says that it is greedy, this
   * answer is sampled: the same words again are of no use.
   */
  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running>;
  /**
   * Goes on with the head's answer where it was cut (stopped, limit reached, interrupted, failed): the same turn grows. A
   * turn that others follow is copied first, so that they still follow what they followed. Of the prompt and the answer so
   * far one token is prefilled, the last, whose logits begin the rest. Rejects with INVALID_REQUEST where there is no turn
   * or the answer ended by itself, CONTEXT_FULL where the context has no room left.
   */
  continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running>;
  /** Saves what is not on disk yet; rejects with the reason when that fails again. */
  saveAgent(id: AgentId): Promise<AgentSummary>;
  /** A pinned agent's cache is brought into memory, and leaves it after all others' when room is needed. */
  pinAgent(id: AgentId, pinned: boolean): Promise<AgentSummary>;
  /** The agent's own sampling from its next answer on; forks inherit it. Empty: it has nothing of its own any more. */
  setAgentSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary>;
  /**
   * Whether something shows this agent to a person. While something does, its lock and its logs are kept; calls with true
   * are counted, each with false takes one back.
   */
  setShown(id: AgentId, shown: boolean): Promise<void>;
  /** The running answer of an agent, if one is. */
  running(id: AgentId): Promise<Running | undefined>;

  // the store on disk
  storeStats(): Promise<StoreStats>;
  /** Reads all saved blocks again and verifies them; removes nothing. Stopped, it tells what it has found so far. */
  verifyStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreVerification>;
  /** Removes what no agent refers to. Safe beside other windows. Rejects with AGENT_LOCKED while another one does the same. */
  collectStore(signal?: AbortSignal): Promise<StoreCollection>;
  /** Verifies, removes damaged blocks and repairs damaged agents. */
  repairStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreRepair>;
  /** Deletes all agents and all that they have saved. Rejects with AGENT_LOCKED, everything kept, where another process uses one. */
  forgetEverything(): Promise<StoreForgotten>;
  /** The user's settings have changed: what they say holds for answers that begin from now on. */
  setDefaultSampling(sampling: SamplingOptions): Promise<void>;

  // benchmarks
  runBench(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport>;

  /** Stops work, saves what is unsaved (within `deadlineMs`), frees the model. */
  dispose(deadlineMs?: number): Promise<void>;
}

/** What a program tells the core when it starts it. All paths absolute. */
export interface ServiceOptions {
  /** Agents, store, imported models and benchmark results live here. */
  readonly home: string;
  /** The starter model's directory: built by set-up. */
  readonly starterModel: string;
  /** Folder with `resident.node` and its libraries. */
  readonly nativeStage: string;
  /** Folder of the reference that EXP-005 compares with: a checkout has one. */
  readonly reference?: string;
  readonly defaultModel?: string;
  readonly modelFolders: readonly string[];
  /** Absent: as free memory, the model and its context allow. What is too large is reduced, and the status says so. */
  readonly poolBytes?: number;
  readonly blockTokens: number;
  /** What the user's settings say of answers; `setDefaultSampling` changes it. */
  readonly sampling?: SamplingOptions;
  readonly storeQuotaBytes: number;
  /** Threads of the CPU kernels; 0 or absent: as many as there are physical cores. */
  readonly threads?: number;
  /** The model is freed when nobody has used it for so long; 0 or absent: never. */
  readonly unloadAfterMs?: number;
  /** Number format of K and V in the pool; absent: as the device likes. Caches of another format are refused. */
  readonly kvDtype?: KvDtype;
  /** Guess how an answer goes on from the agent's own tokens, and verify (default: yes). Answers do not depend on it. */
  readonly promptLookup?: boolean;
}
