/**
 * The one async interface between the programs (extension, CLI) and the core, called the door. The core may run in the
 * same thread, in a worker thread or elsewhere: then only plain, structured-clonable data crosses, as `wire.ts`
 * defines. Every method may reject with a `ResidentError`.
 */
import type { Attachment, AttachmentView, PinnedFile, PinnedFileView } from "../common/attachments";
import type { Disposable } from "../common/disposables";
import type { ErrorInfo } from "../common/errors";
import type { Event } from "../common/events";
import type { KvDtype } from "../common/kvDtypes";
import type { ChatMessage } from "../common/messages";
import type { Thinking } from "../common/thinking";
import type { DroppedCall, JsonSchema, ToolCall, ToolMode, ToolResult, ToolSpec, Unconstrained } from "../common/tools";

export type AgentId = string;
export type TurnId = string;

/** Where an agent's cache is: hot in the pool, warm on disk, cold nowhere. */
export type Tier = "hot" | "warm" | "cold";
/** "calls": the answer ended by itself and called tools; their results are sent with `sendResults`. */
export type FinishReason = "stop" | "length" | "aborted" | "calls";

// ---- figures of a turn -------------------------------------------------------------------------------------------

/** Why a stored cache was not used from token `atToken` on. */
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
  /** Of them: guessed from the text before, and right, so that several came from one step. Absent: none. */
  readonly guessedTokens?: number;
  /** Tokens of prompt and answer that were computed twice because an older turn took the blocks. Absent: none. */
  readonly recomputedTokens?: number;
  /** From submit (model loaded, caches restored) to the first token. */
  readonly ttftMs: number;
  readonly restoreMs: number;
  /**
   * From the message's arrival at the core to the first token, including the commit, the model's load, the queue and
   * the restore. Absent in turns that an older version saved.
   */
  readonly waitMs?: number;
  /** The part of `waitMs` spent waiting for the model and loading it; absent when it was loaded. */
  readonly modelMs?: number;
  /** (n − 1) / (last − first); 0 when n < 2. */
  readonly decodeTokensPerSecond: number;
  /** The part of `generatedTokens` before the answer itself, and how long it took; absent: the model did not think. */
  readonly thinking?: { readonly tokens: number; readonly ms: number };
  readonly cache: CacheSource;
  /** "server": the counts are a server's own; the tokens that it had cached count as reused. Absent: counted here. */
  readonly by?: "server";
  /** Counts that the server did not tell; they are 0 here. Absent: it told all. */
  readonly untold?: readonly UntoldCount[];
  /** Of another program's request: why not all of what was read before is reused; absent: nothing differs. */
  readonly departure?: Departure;
}

/**
 * Where a request departs from what was read before: both texts from there, one short line each. An ellipsis stands for
 * what both have before.
 */
export interface Departure {
  readonly atToken: number;
  readonly before: string;
  readonly now: string;
}

export const untoldCounts = ["prompt", "reused", "generated"] as const;
export type UntoldCount = (typeof untoldCounts)[number];

/**
 * How an answer is sampled; `src/common/samplingRanges.ts` has the range of each number. A missing value comes from the
 * agent's own sampling, then the user's settings, then the model (its `generation_config.json`, or values known for its
 * weights), then this program's defaults.
 */
export interface SamplingOptions extends AgentSampling {
  readonly logitBias?: Readonly<Record<number, number>>;
  readonly stop?: readonly string[];
}

/** The sampling options that an agent may set for itself. */
export interface AgentSampling {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** Counts the last 64 tokens of the answer. */
  readonly repetitionPenalty?: number;
  /** Counts the answer's tokens; so does the frequency penalty. */
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** Absent: a random seed for each answer. */
  readonly seed?: number;
  /** Longest answer. Absent or too large: as much as fits the context and the pool. */
  readonly maxTokens?: number;
}

// ---- running work ------------------------------------------------------------------------------------------------

/**
 * Every running answer sends its events in this order: continues? → queued? → restoring? → prefill* → thinking* →
 * (text | call)* → dropped? → done | failed.
 */
export type GenerationEvent =
  /** A cut answer is continued: `text` is the earlier text, `thought` what was thought. The events that follow only append. */
  | { readonly type: "continues"; readonly text: string; readonly thought?: string }
  | { readonly type: "waitingModel"; readonly reason: string }
  | { readonly type: "queued"; readonly neededBlocks: number; readonly turnsAhead: number }
  | { readonly type: "restoring"; readonly tokens: number }
  /** `done` of `total` new tokens are prefilled; `reused` tokens were cached. */
  | {
      readonly type: "prefill";
      readonly done: number;
      readonly total: number;
      readonly reused: number;
      readonly tokensPerSecond: number;
    }
  /** New text of what the model thinks before it answers, without the marks around it. */
  | { readonly type: "thinking"; readonly text: string; readonly figures: TurnFigures }
  /** `text` is new text to append, never half a character; `figures` are those so far. */
  | { readonly type: "text"; readonly text: string; readonly figures: TurnFigures }
  /** A call is complete. None of its text is in `text` events. */
  | { readonly type: "call"; readonly call: ToolCall; readonly figures: TurnFigures }
  /** A call that the model began was not made. */
  | { readonly type: "dropped"; readonly dropped: DroppedCall }
  /** `text`, `thought`, `tokenIds` and `figures` are those of this run only, without the text that it continues. */
  | {
      readonly type: "done";
      readonly text: string;
      /** Absent: the model did not think. */
      readonly thought?: string;
      /** Absent: none. */
      readonly calls?: readonly ToolCall[];
      readonly dropped?: DroppedCall;
      /** Where the answer may not fit the schemas that it was asked to fit. Absent: nowhere, or no schema was given. */
      readonly unconstrained?: readonly Unconstrained[];
      readonly tokenIds: readonly number[];
      readonly finishReason: FinishReason;
      readonly figures: TurnFigures;
      readonly saveError?: ErrorInfo;
    }
  | { readonly type: "failed"; readonly error: ErrorInfo };

/** Identifies a running answer; unique within one core. */
export type RunningId = string;

/** One running answer. `onEvent` replays earlier events to a late listener; `done` resolves or rejects once. */
export interface Running {
  readonly id: RunningId;
  onEvent(listener: (event: GenerationEvent) => void): Disposable;
  readonly done: Promise<Extract<GenerationEvent, { type: "done" }>>;
  /** Takes effect within a step; what was prefilled and generated is kept. */
  abort(): void;
}

export interface GenerateRequest {
  readonly prompt: string;
  /** Applies no chat template. */
  readonly raw?: boolean;
  /** What answers in place of the default model. Not with `raw`. */
  readonly server?: AgentServer;
  readonly system?: string;
  readonly thinking?: Thinking;
  /** The tools that the model may call; an answer with calls ends with them. */
  readonly tools?: readonly ToolSpec[];
  readonly toolMode?: ToolMode;
  /** The answer is JSON that fits this schema, and nothing else; not together with tools. */
  readonly jsonSchema?: JsonSchema;
  readonly sampling?: SamplingOptions;
  /** false: no guesses, even if the settings allow them (for measurements). */
  readonly promptLookup?: boolean;
}

// ---- conversations of other programs -----------------------------------------------------------------------------

/** A request of another program, which sends the whole conversation every time. */
export interface ChatRequest {
  readonly modelDirectory: string;
  /** System messages may stand anywhere. The last message is a user's or a result. */
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolSpec[];
  /** Absent: "auto". */
  readonly toolMode?: ToolMode;
  readonly thinking?: Thinking;
  readonly sampling?: SamplingOptions;
  /** The other program's name for the conversation, where it tells one. */
  readonly conversation?: string;
}

/** A model as other programs are offered it. */
export interface ChatModel {
  readonly directory: string;
  readonly name: string;
  readonly family: string;
  /** Longest request: what model, memory and pool allow, less `maxOutputTokens`, the reserve for its answer. */
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly takesTools: boolean;
  /** One sentence without the final stop; present where it takes none. */
  readonly whyNoTools?: string;
}

/** A text, or messages. */
export type CountedInput = string | readonly ChatMessage[];

/** An answer to another program. */
export interface ThreadTurn {
  /** When it was asked, in ms since 1970. */
  readonly at: number;
  readonly modelName: string;
  readonly conversation?: string;
  /** It was short, had no tools and continued nothing: its cache is not kept. */
  readonly isShort: boolean;
  readonly figures: TurnFigures;
}

/** Conversations of other programs, found again by their content. */
export interface ThreadsStatus {
  readonly count: number;
  /** Of the block pool, held by their caches. */
  readonly bytes: number;
  /** The last 50, newest first. */
  readonly recent: readonly ThreadTurn[];
}

// ---- agents ------------------------------------------------------------------------------------------------------

export interface AgentSummary {
  readonly id: AgentId;
  readonly name: string;
  /** With `server`: the folder that answered before; "": none did. */
  readonly modelDirectory: string;
  readonly modelName: string;
  /** The server that answers it; absent: the model in its folder does. */
  readonly server?: AgentServer;
  /** Order of creation, from 0: chooses the agent's colour. */
  readonly index: number;
  readonly tier: Tier;
  readonly state: "idle" | "waiting" | "reading" | "answering" | "restoring";
  /** Tokens of the branch at the head; of them in the pool; of them on disk. */
  readonly tokens: number;
  readonly hotTokens: number;
  readonly diskTokens: number;
  readonly diskBytes: number;
  /** 0: its server does not tell. */
  readonly contextTokens: number;
  readonly turnCount: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Its cache leaves memory after all unpinned ones when room is needed. */
  readonly pinned: boolean;
  /** The agent's own sampling, which a request may override; absent: none. */
  readonly sampling?: AgentSampling;
  /** How it thinks; absent: as its model does by itself. */
  readonly thinking?: Thinking;
  /** The tools that its model is told of, in the order in which the model sees them; absent: none. */
  readonly tools?: readonly ToolSpec[];
  /** The pinned files behind its instructions, in their order; absent: none. */
  readonly files?: readonly PinnedFileView[];
  /** What reading the pinned files has taken since they were set; absent: nothing was read since the core started. */
  readonly filesRead?: FilesRead;
  /** What is being read ahead now, once it is more than a few tokens. */
  readonly reading?: { readonly done: number; readonly total: number };
  /** Calls of the answer at the head that wait for results; absent: none. */
  readonly waitsFor?: number;
  /**
   * It is a delegate: a fork that answers for this agent, until its answer was taken over. It is deleted with that agent.
   * Absent, and in lists also where that agent is gone: an agent like others.
   */
  readonly delegateOf?: AgentId;
  /** The day that its prompts name, "2026-11-30", where the model's template insists on a date. */
  readonly day?: string;
  /**
   * Another process held the agent's lock within the last two seconds: it can be read and forked, but not continued.
   */
  readonly lockedElsewhere: boolean;
  /** Why it must be repaired before it can be continued; its readable part is shown, and it can be deleted. */
  readonly damage?: ErrorInfo;
}

/** In tokens. */
export interface FilesRead {
  /** Found in the pool or on disk, also what another agent with the same files had read. */
  readonly reused: number;
  /** From the first change on. */
  readonly prefilled: number;
}

/** A change of a file that a conversation tells: the digest of its text, a diff. */
export type ToldChange = Pick<AttachmentView, "path" | "digest">;

/** What a context consists of, in tokens. */
export interface ContextParts {
  /** With the tools, and with what the template writes of its own. */
  readonly instructions: number;
  /** The pinned files. */
  readonly files: number;
  readonly conversation: number;
}

/** A result as a view has it. */
export interface ResultView extends ToolResult {
  /** Length of the whole text in UTF-16 units, where `text` is only its beginning: `callResult` has all of it. */
  readonly length?: number;
}

export interface TurnView {
  readonly id: TurnId;
  readonly parent?: TurnId;
  /** The message; empty where the turn goes on with the results of its calls. */
  readonly user: string;
  /** What stood before the message; absent: nothing. `attachmentText` has their texts. */
  readonly attachments?: readonly AttachmentView[];
  /** What the calls of the turn before gave: this is a further step of the same turn. */
  readonly results?: readonly ResultView[];
  /** What the model thought before it answered; absent: it did not. */
  readonly thought?: string;
  /** Empty until the answer begins. */
  readonly answer: string;
  /** The calls that the answer made; absent: none. */
  readonly calls?: readonly ToolCall[];
  readonly dropped?: DroppedCall;
  /** The message is no person's: `compactAgent` wrote it, and the answer only says that it was read. */
  readonly summary?: SummaryMark;
  /** "interrupted": the process ended before the answer did; the partial answer is kept. */
  readonly state: "running" | "done" | "interrupted" | "failed";
  readonly finishReason?: FinishReason;
  readonly figures?: TurnFigures;
  readonly error?: ErrorInfo;
  readonly saveError?: ErrorInfo;
  readonly createdAt: number;
}

/** What a summary in the place of earlier turns stands for. */
export interface SummaryMark {
  /** Turns that it stands for, as a person counts them. */
  readonly turns: number;
  /** The last ones of them, of which it says nothing or not all, because there was no room; absent: none. */
  readonly leftOut?: number;
}

export interface AgentDetail extends AgentSummary {
  /** The instructions alone. */
  readonly system: string;
  /** Absent: they were not counted yet. */
  readonly contextParts?: ContextParts;
  /** The branch at the head, oldest first; only its end when only the newest turns were requested. */
  readonly turns: readonly TurnView[];
  /**
   * All turns as a tree, parents first. Empty when there is only the branch at the head, and when only the newest turns
   * were requested: the tree grows with the conversation.
   */
  readonly branches: readonly TurnChain[];
  /** Number of chains in the whole tree, even when `branches` omits them; 0 when there is only one branch. */
  readonly branchCount: number;
}

/** Turns that follow each other, up to the next turn that has several successors, or the head. */
export interface TurnChain {
  /** Its last turn: `rewindAgent` to it makes it the head. */
  readonly turn: TurnId;
  /** The `turn` of the chain that it follows; absent: it begins the conversation. */
  readonly after?: TurnId;
  /** It is part of the branch at the head. */
  readonly current: boolean;
  /** Nothing follows it: it is the end of a branch. */
  readonly isEnd: boolean;
  /**
   * The beginnings of its first turn's message and answer, at most 160 characters each. For a message of attachments only
   * their paths; empty where the chain begins with a further step of a turn.
   */
  readonly user: string;
  readonly answer: string;
  /** Its first message is a summary; absent: a person's. */
  readonly summary?: SummaryMark;
  /** The tools that its first answer called, without repetition; absent: none. */
  readonly called?: readonly string[];
  /** Turns that begin in this chain; all tokens from the conversation's start to its end. */
  readonly turns: number;
  /** Further steps of turns in this chain; absent: none. */
  readonly steps?: number;
  readonly tokens: number;
  /** Time of its last message, in ms since 1970. */
  readonly createdAt: number;
}

/** The size of a draft in tokens. */
export interface DraftSize {
  /** Tokens of the draft alone, with its attachments. */
  readonly draftTokens: number;
  /** Of each attachment; absent: there are none. */
  readonly attachmentTokens?: readonly number[];
  /** Tokens of the whole prompt if it were sent now: history, template and draft. */
  readonly promptTokens: number;
  readonly contextTokens: number;
}

/** A whole conversation in the tokens of a model. */
export interface ConversationSize {
  readonly tokens: number;
  readonly contextTokens: number;
}

export interface CreateAgentRequest {
  readonly name: string;
  readonly system?: string;
  readonly modelDirectory?: string;
  /** What answers it in place of a folder. */
  readonly server?: AgentServer;
  /** Creates the agent although an unreadable agent may have the same name. */
  readonly allowUnreadable?: boolean;
  readonly thinking?: Thinking;
  readonly tools?: readonly ToolSpec[];
}

/** What a repair found and did. */
export interface AgentRepair {
  readonly id: AgentId;
  /** Differs from the earlier name when that is taken now or could not be found. */
  readonly name: string;
  /** Nothing was damaged, and nothing was changed. */
  readonly wasWhole: boolean;
  readonly keptTurns: number;
  /** Turns after the damage, if their first record could be read. */
  readonly lostTurns: number;
  readonly lostRecords: number;
  readonly damages: readonly string[];
  /** Number of the first lost record, from 1, and the byte of the turn log where it began. */
  readonly lostFrom?: { readonly record: number; readonly byte: number };
  /** The damaged files, kept next to the new ones until the user deletes them. */
  readonly keptFiles: readonly string[];
}

export interface ForkOptions {
  /**
   * The fork answers for this agent: a delegate. Where its name is taken it gets the next free one, and it is not pinned.
   */
  readonly delegateOf?: AgentId;
}

export interface AdoptOptions {
  /** The adopted branch becomes the head; absent: the head stays. */
  readonly asHead?: boolean;
}

export interface CompactOptions {
  /** How many of the last turns are kept as they are; fewer where there is no room, 0: none. */
  readonly turns: number;
}

export interface SendRequest {
  /** May be empty where there are attachments. */
  readonly text: string;
  /** The same message has other answers: a model that is greedy only by its own default is sampled, as by `regenerate`. */
  readonly isOneOfSeveral?: boolean;
  /** They stand before the text. Absent with `instead`: those of the message that is replaced. */
  readonly attachments?: readonly Attachment[];
  /** The message replaces the message of this turn, on a new branch from the turn before it. */
  readonly instead?: TurnId;
  readonly sampling?: SamplingOptions;
  /** Absent: "auto". */
  readonly toolMode?: ToolMode;
  /** The answer is JSON that fits this schema, and nothing else: it calls no tools. A server is asked to see to that. */
  readonly jsonSchema?: JsonSchema;
}

/** What the calls of the head's answer gave: one result for each. */
export interface ResultsRequest {
  readonly results: readonly ToolResult[];
  readonly sampling?: SamplingOptions;
  readonly toolMode?: ToolMode;
}

// ---- servers -----------------------------------------------------------------------------------------------------

/** A model on a server with an OpenAI-compatible chat endpoint. */
export interface AgentServer {
  /** As `connectServer` returns it. */
  readonly address: string;
  /** One of the names that the server lists. */
  readonly model: string;
}

/** A model that a server lists. */
export interface ServerModel {
  readonly name: string;
  /** Longest conversation in tokens; absent: the server does not tell. */
  readonly contextTokens?: number;
}

/** A server that a person has connected to. */
export interface ConnectedServer {
  /** In one form for all ways to write it; ends before `/chat/completions`. */
  readonly address: string;
  /** For people: host and port. */
  readonly host: string;
  /** In the server's order, as it listed them last. */
  readonly models: readonly ServerModel[];
  /** Conversations for it leave this machine; the person has agreed to that. */
  readonly isRemote: boolean;
  /** A key for it is known to this core; keys are not kept on disk. */
  readonly hasKey: boolean;
}

export interface ConnectServerRequest {
  /** As a person writes it. */
  readonly address: string;
  /** Absent: the one that is known, or none. */
  readonly key?: string;
  /** The person agrees that conversations leave this machine for this address. */
  readonly mayLeave?: boolean;
}

/** A server's answer to one short question. */
export interface ServerTrial {
  readonly text: string;
  readonly ms: number;
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

/** Where a model of the list came from. "folder": one of the user's own; "found": another program's. */
export type ModelSource = "starter" | "imported" | "downloaded" | "unfinished" | "folder" | "found";

/**
 * A model in the list of all. An unfinished download has its own folder, a problem that says how much is there, and a
 * `quantization` if it is a variant of a model in GGUF.
 */
export interface ListedModel extends ModelSummary {
  readonly source: ModelSource;
  /** The program that it belongs to, if it was found. */
  readonly program?: string;
  /** `ORG/NAME` on the hub, if it came from there. */
  readonly hubName?: string;
  readonly isLoaded: boolean;
  /** `deleteModel` may delete it. */
  readonly isDeletable: boolean;
  /** Absent for a model with a problem. */
  readonly fit?: MemoryFit;
}

export interface ModelDeletion {
  /** Bytes on the disk that it took. */
  readonly freedBytes: number;
  /** Names of the agents that cannot be continued without it. */
  readonly agents: readonly string[];
}

/** What a model's chat template is and asks for. */
export interface TemplateFacts {
  readonly hasChatTemplate: boolean;
  /** What it lets a caller choose about thinking; empty: nothing. */
  readonly thinkingChoices: readonly Thinking[];
  /** It writes a date into every prompt. */
  readonly insistsOnDate: boolean;
  /** It tells the model which tools there are. */
  readonly takesTools: boolean;
}

export interface ModelDetail extends ModelSummary, TemplateFacts {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly kvBytesPerToken: number;
  readonly eosTokens: readonly string[];
  /** Parts of the files that text does not need ("vision", "audio", "prediction"), and their bytes. Not loaded. */
  readonly leftOut: readonly { readonly part: string; readonly bytes: number }[];
  /**
   * Digest of the weights, with which caches identify their model. Absent until the model was loaded in its current
   * form.
   */
  readonly weightsId?: string;
}

export interface ImportRequest {
  readonly file: string;
  /** Name of the model and of its folder; absent: the file's name. */
  readonly name?: string;
  /** Folder to make; absent: `<home>/models/<name>`. */
  readonly target?: string;
  /** Replaces an existing folder once the new one is complete. */
  readonly replace?: boolean;
}

/** What a model takes of this machine's memory, with the cache of one agent of `tokens` tokens. */
export interface MemoryFit {
  readonly weightBytes: number;
  /** 32,000, or the model's context where that is shorter. */
  readonly tokens: number;
  readonly kvBytes: number;
  readonly totalBytes: number;
  /** Of the machine. */
  readonly memoryBytes: number;
  /** "tight": it loads, but not with so many tokens, or not together with other programs. "no": it cannot be loaded. */
  readonly verdict: "fits" | "tight" | "no";
}

/** A model of the hub that Resident loads, as its files describe it before they are downloaded. */
export interface HubModel {
  /** `ORG/NAME` */
  readonly name: string;
  readonly revision: string;
  readonly commit: string;
  readonly family: string;
  readonly quantization: string;
  /** "" where the hub names none. */
  readonly licence: string;
  /** Its conditions must be accepted on the hub before its files can be had. */
  readonly gated: boolean;
  readonly contextTokens: number;
  /** Its chat template has a place for tools; absent: not known. */
  readonly usesTools?: boolean;
  readonly downloadBytes: number;
  readonly fit: MemoryFit;
  /** The choices of a model in GGUF; the values above are those of the one that is proposed. Absent: there is no choice. */
  readonly variants?: readonly HubVariant[];
}

export interface HubVariant {
  /** "Q4_K_M" */
  readonly quantization: string;
  readonly downloadBytes: number;
  readonly fit: MemoryFit;
}

/** A search's result as the hub lists it; `describeHubModel` has the rest. */
export interface HubEntry {
  readonly name: string;
  readonly family: string;
  readonly licence: string;
  readonly gated: boolean;
  readonly downloads: number;
}

export interface HubSearch {
  /** Models of families that Resident loads, most downloaded first. */
  readonly models: readonly HubEntry[];
  /** The other results by family, with what is missing for them where that is known. */
  readonly others: readonly { readonly family: string; readonly count: number; readonly missing?: string }[];
}

/** A model of the built-in list. */
export interface SuggestedModel {
  /** `ORG/NAME` on the hub. */
  readonly name: string;
  /** Memory of the machines for which it is a good choice, in GB. */
  readonly machineGB: number;
  readonly reason: string;
  readonly fit: MemoryFit;
}

export interface HubRequest {
  /** `ORG/NAME` or `ORG/NAME:REVISION` */
  readonly name: string;
  /** Of the variants of a model in GGUF; absent: the one that is proposed. */
  readonly quantization?: string;
}

/** How the model hub is reached. A missing value comes from the environment, then it is the hub's default. */
export interface HubAccess {
  /** Address of the hub, or of a mirror that speaks its API. */
  readonly endpoint?: string;
  /** Goes to the endpoint only. */
  readonly token?: string;
  readonly proxy?: string;
}

/** Tensors of a GGUF file whose weights MLX's formats cannot hold exactly. */
export interface RoundedTensors {
  /** As the file names it: "Q6_K". */
  readonly type: string;
  /** They were rounded to this many bits, in groups of 32. */
  readonly bits: number;
  readonly tensors: number;
  /** Largest difference of a weight, as a fraction of the largest weight of its group. */
  readonly largestError: number;
}

export interface ImportedModel extends ModelSummary {
  /** Empty: every weight has the exact value of the file. */
  readonly rounded: readonly RoundedTensors[];
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "tensors" | "runs" | "tokens";
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

/** Metrics have vLLM's names, in camel case. Rates are over the last seconds, 0 when idle. */
export interface EngineMetrics {
  readonly kvCacheUsage: number; // 0…1
  readonly prefixCacheQueries: number; // prompt tokens looked up
  readonly prefixCacheHits: number; // prompt tokens found
  readonly numRequestsRunning: number;
  readonly numRequestsWaiting: number;
  readonly numPreemptions: number;
  readonly specDecodeNumDraftTokens: number; // guessed from the agent's own tokens
  readonly specDecodeNumAcceptedTokens: number; // guesses that were right
  readonly decodeTokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
  readonly ttftP50Ms: number;
  readonly ttftP95Ms: number;
  readonly movedSlabs: number;
}

export interface PoolReduction {
  readonly wantedBytes: number;
  /** Why it is smaller, as a text. */
  readonly reason: string;
}

export interface PoolStatus {
  /** Size of all blocks, including those of the window layers. */
  readonly bytes: number;
  readonly totalBlocks: number;
  readonly usedBlocks: number;
  readonly reusableBlocks: number;
  readonly freeBlocks: number;
  readonly blockTokens: number;
  readonly blockBytes: number;
  /** Blocks of the window layers, if they have blocks of their own; all other numbers are those of the other layers. */
  readonly window?: { readonly totalBlocks: number; readonly usedBlocks: number };
  /** Present when the pool is smaller than requested. */
  readonly reduced?: PoolReduction;
  /** Runs of blocks in id order. Only "agent" runs have an `agent`; "" stands for blocks of work without an agent. */
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
  /** Why the last count, quota check or collection failed. */
  readonly problem?: ErrorInfo;
  readonly lastVerified?: StoreVerified;
}

/** Result of the last verification of the store. */
export interface StoreVerified {
  /** ISO date and time of its end. */
  readonly at: string;
  readonly checked: FileTotals;
  /** Number of files that are damaged or unreadable and still exist. */
  readonly problems: number;
  /** It was stopped before all files were read. */
  readonly stopped: boolean;
}

/** Number of files and their total size. */
export interface FileTotals {
  readonly objects: number;
  readonly bytes: number;
}

/** The store's contents on disk, counted file by file. */
export interface StoreStats extends FileTotals {
  readonly path: string;
  readonly quotaBytes: number;
  /** Free bytes on the disk for this user. */
  readonly freeDiskBytes: number;
  /** Objects by the folder of their model; `name` if an agent states it. */
  readonly models: readonly (FileTotals & { readonly folder: string; readonly name?: string })[];
  /** Objects with and without a reference from an agent; a collection removes the latter once they are an hour old. */
  readonly referenced: FileTotals;
  readonly unreferenced: FileTotals;
  readonly agents: number;
  /** All files in the agents' folders: conversations, tokens, keys, tails. */
  readonly agentFiles: FileTotals;
  /** Agents whose references are unknown, and why, if objects seem unreferenced: these are not collected then. */
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
  /** Number of files from writes that never finished. */
  readonly temporaryFiles: number;
  /** Unreferenced but too young to be removed: a running save may be about to refer to them. */
  readonly young: FileTotals;
  readonly unknown: StoreStats["unknown"];
}

export interface StoreRepair {
  readonly verification: StoreVerification;
  /** Damaged files that were removed: their tokens are prefilled again when needed. */
  readonly removed: FileTotals;
  /** Damaged agents that were repaired, and those that could not be. */
  readonly agents: readonly AgentRepair[];
  readonly failed: readonly { readonly agent: AgentId; readonly error: ErrorInfo }[];
}

/** What was deleted. */
export interface StoreForgotten {
  readonly agents: number;
  readonly removed: FileTotals;
}

/** The model that is loaded next, since requests for it wait. */
export interface NextModel {
  readonly name: string;
  /** Turns that are served before it is loaded: running ones, and waiting ones that come first. */
  readonly turnsAhead: number;
  /** Absent when its files cannot be read. */
  readonly weightBytes?: number;
}

export interface ServiceStatus {
  readonly engine: EngineState;
  /** Present while requests wait for a model that is not loaded, also during its load. */
  readonly nextModel?: NextModel;
  readonly metrics: EngineMetrics;
  readonly pool?: PoolStatus;
  readonly store: StoreStatus;
  readonly agents: readonly AgentSummary[];
  readonly threads: ThreadsStatus;
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
  /** Other figures of the suite, named with their unit: `tokensPerSecond`, `ratio`, `targetMs`, `identical` … */
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
  /** Titles with name/value lines; the programs render them as text. */
  readonly sections: readonly { readonly title: string; readonly lines: readonly (readonly [string, string])[] }[];
}

// ---- the door ----------------------------------------------------------------------------------------------------

export type ServiceEvent =
  | { readonly type: "engine"; readonly state: EngineState }
  /** A model was added or deleted. */
  | { readonly type: "models" }
  /** An agent was created, changed (name, tier, state, turns) or deleted (`summary` absent). */
  | { readonly type: "agent"; readonly id: AgentId; readonly summary?: AgentSummary }
  /** A turn of an agent started: `running(agent)` returns its running answer. */
  | { readonly type: "turnStarted"; readonly id: AgentId; readonly turn: TurnId }
  | { readonly type: "turnEnded"; readonly id: AgentId; readonly turn: TurnId }
  | { readonly type: "bench"; readonly suite: BenchSuite; readonly progress?: Progress; readonly report?: BenchReport }
  /** The core ended unexpectedly; no call to this service will be answered any more. */
  | { readonly type: "ended"; readonly error: ErrorInfo };

export interface ResidentService {
  readonly onEvent: Event<ServiceEvent>;
  status(): Promise<ServiceStatus>;
  diagnose(): Promise<DiagnoseReport>;

  // models
  /** Starter, imported and downloaded models, those in the user's folders, and those of other programs. */
  listModels(): Promise<readonly ListedModel[]>;
  /**
   * Deletes an imported or downloaded model, or an unfinished download. A loaded one is unloaded first. Other models
   * are not Resident's: INVALID_REQUEST.
   */
  deleteModel(directory: string): Promise<ModelDeletion>;
  inspectModel(directory: string): Promise<ModelDetail>;
  /** The part of it that needs neither the vocabulary nor the weights. */
  templateFacts(directory: string): Promise<TemplateFacts>;
  /** Makes `directory` the default for new agents and for `generate`; it is loaded when first needed. */
  chooseModel(directory: string): Promise<ModelSummary>;
  /** Loads the default model now. */
  loadModel(signal?: AbortSignal): Promise<ModelSummary>;
  /** Saves hot agents, then frees the model's memory. Cancels a load that is under way. */
  unloadModel(): Promise<void>;
  importGguf(
    request: ImportRequest,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<ImportedModel>;
  /** Downloads and imports the starter model unless it exists; does not change the default model. */
  getStarterModel(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<ModelSummary>;

  // the model hub
  /** How the hub is reached from now on. */
  setHubAccess(access: HubAccess): Promise<void>;
  /** Models whose names fit the words. Only names are known then: `describeHubModel` reads the small files of one. */
  searchHub(words: string, signal?: AbortSignal): Promise<HubSearch>;
  /**
   * What getting a model would mean. Rejects with MODEL_NOT_FOUND, MODEL_UNSUPPORTED (the family and what is missing),
   * HUB_DENIED or HUB_FAILURE.
   */
  describeHubModel(request: HubRequest, signal?: AbortSignal): Promise<HubModel>;
  /**
   * Downloads a model into the home, where its folder appears when it is whole. Goes on with what an earlier call left.
   * Rejects with OUT_OF_MEMORY, before the download, when the model cannot be loaded on this machine.
   */
  getHubModel(
    request: HubRequest,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<ImportedModel>;
  /** The built-in list: works without a network. */
  suggestedModels(): Promise<readonly SuggestedModel[]>;

  // servers that answer in place of a model here
  /**
   * Lists the server's models and keeps its address, its models and the consent; asks for nothing else. Rejects with
   * INVALID_REQUEST (no address), SERVER_UNKNOWN (`facts.needsConsent`: text would leave this machine, and the person has not
   * agreed; nothing was sent), SERVER_DENIED, SERVER_REFUSED or SERVER_FAILURE.
   */
  connectServer(request: ConnectServerRequest, signal?: AbortSignal): Promise<ConnectedServer>;
  /** The servers that were connected, in the order of their addresses. Asks none of them. */
  listServers(): Promise<readonly ConnectedServer[]>;
  /** Forgets address, models, consent and key. Agents that it answers keep its name, and are refused until it is connected. */
  forgetServer(address: string): Promise<void>;
  /** The keys of servers by address, from now on. They are kept in memory only, and go to their own server alone. */
  setServerKeys(keys: Readonly<Record<string, string>>): Promise<void>;
  /** Asks a model of a connected server for one word. */
  tryServer(server: AgentServer, signal?: AbortSignal): Promise<ServerTrial>;

  // one-off generation
  generate(request: GenerateRequest): Running;

  // conversations of other programs
  /**
   * Answers the last message of a conversation; what was read of it before is not read again. Fails with INVALID_REQUEST
   * for messages in a form that the model cannot have, with CONTEXT_FULL or POOL_EXHAUSTED where they are too long.
   */
  chat(request: ChatRequest): Running;
  /**
   * Exact, one number for each input. A text: its tokens inside a message. One message: the tokens that it adds to a
   * conversation. Several: those of the whole prompt, with the opening of its answer. Reads the model's text files, not its
   * weights.
   */
  countTokens(modelDirectory: string, inputs: readonly CountedInput[]): Promise<readonly number[]>;
  /** The models of this machine that can answer other programs. */
  chatModels(): Promise<readonly ChatModel[]>;

  // agents
  listAgents(): Promise<readonly AgentSummary[]>;
  /**
   * With `newestTurns`, only that many of its turns, steps counted, the beginnings of long results, and no `branches`: a
   * long conversation is a lot of data.
   */
  getAgent(id: AgentId, newestTurns?: number): Promise<AgentDetail>;
  /** The whole result that `turn` goes on with for a call. Rejects with INVALID_REQUEST where there is none. */
  callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult>;
  /** The text of an attachment of a turn, counted from 0. Rejects with INVALID_REQUEST where there is none. */
  attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string>;
  /** The text of a pinned file as the agent has it. Rejects with INVALID_REQUEST where none has this path. */
  pinnedText(id: AgentId, path: string): Promise<string>;
  /**
   * What the branch at the head says last of changes in each file (attachments of kind "change"): what a message would say
   * again. With `instead` the branch before that turn.
   */
  toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]>;
  /**
   * By id or exact name; `undefined`: there is none. Rejects when that is unknown because an agent with an unknown name
   * is damaged (AGENT_CORRUPT) or could not be read (IO_FAILURE).
   */
  findAgent(nameOrId: string): Promise<AgentSummary | undefined>;
  createAgent(request: CreateAgentRequest): Promise<AgentSummary>;
  renameAgent(id: AgentId, name: string): Promise<AgentSummary>;
  setSystemPrompt(id: AgentId, system: string): Promise<AgentSummary>;
  /**
   * Sets the files behind the instructions, from the next message on, in this order: those that change seldom come first,
   * because what follows a change is read again. `warmAgent` reads it before a message comes. Forks and copies have the same
   * files. Files that leave no room for a message are kept: it is refused with CONTEXT_FULL. Empty: none. Rejects with
   * INVALID_REQUEST for what cannot be pinned, and with AGENT_BUSY during an answer.
   */
  setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary>;
  /**
   * Creates an agent with everything up to and including `turn` (default: the head). No token is prefilled again. Where its
   * head waits for results, its next message goes on without them.
   */
  forkAgent(id: AgentId, name: string, turn?: TurnId, options?: ForkOptions): Promise<AgentSummary>;
  /**
   * Copies the branch at the head of `from`, a fork of this agent, from where the two part: a branch of this agent with its
   * ids, figures and steps, which reads nothing again when it is continued. Resolves with its last turn. What is here already
   * is not copied twice. Rejects, with nothing changed, with MODEL_MISMATCH (another model), INVALID_REQUEST (no fork of this
   * agent, or without a turn), AGENT_BUSY, AGENT_LOCKED or AGENT_CORRUPT.
   */
  adoptBranch(id: AgentId, from: AgentId, options?: AdoptOptions): Promise<TurnId>;
  /**
   * Continues when the context is full or long: the conversation is summarised (what was read of it is not read again), and a
   * new branch begins with the summary and the last turns. The branch before stays reachable. Progress is in tokens of the
   * summary. Resolves with the agent; its `tokens` are what the next message reads before its own text (0: not known). Rejects, with nothing changed, with ABORTED, with INVALID_REQUEST where there is nothing to summarise, and with
   * CONTEXT_FULL where not even the first step leaves room for a summary.
   */
  compactAgent(
    id: AgentId,
    options: CompactOptions,
    onProgress?: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<AgentSummary>;
  /**
   * Creates an agent that uses another model and continues this conversation: it has the same instructions and settings, and
   * the texts of the branch at the head, which are read with its first message. The agent itself stays as it is.
   */
  copyWithModel(id: AgentId, name: string, modelDirectory: string): Promise<AgentSummary>;
  /** How many tokens that would read. */
  measureWithModel(id: AgentId, modelDirectory: string): Promise<ConversationSize>;
  /**
   * From the next message on a server answers the agent: it reads the whole conversation once, as text. Its cache leaves memory
   * and stays on disk. Rejects with SERVER_UNKNOWN where the server is not connected.
   */
  useServer(id: AgentId, server: AgentServer): Promise<AgentSummary>;
  /**
   * From the next message on the model in a folder answers the agent; what servers said meanwhile is read as text. Rejects with
   * INVALID_REQUEST where the conversation has tokens of another folder: then `copyWithModel` is the way.
   */
  useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary>;
  /** Makes `turn` the head (`undefined`: before the first turn). The branch that was left stays reachable. */
  rewindAgent(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary>;
  /**
   * Continues when the context is full: copies the last `turns` answered turns to a new branch, which is prefilled with
   * the next message. The old branch stays reachable.
   */
  startOver(id: AgentId, turns: number): Promise<AgentSummary>;
  /** Also deletes its delegates; those that another process uses stay, as agents like others. */
  deleteAgent(id: AgentId): Promise<void>;
  /** Repairs a damaged agent so that it can be continued, with every turn up to the damage. */
  repairAgent(id: AgentId): Promise<AgentRepair>;
  /**
   * Read-ahead: makes the agent hot before a message is sent, with its pinned files. `draft` and `attachments` are the
   * unfinished next message: it is prefilled too, so that little is left when it is sent. A later draft replaces it, and an unsent draft is not saved with the
   * cache. Low priority. Resolves when the agent is hot or when a later call or a message has replaced this one.
   */
  warmAgent(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary>;
  /**
   * While the head waits for results: reads those that are known so far, a beginning of its calls, as `warmAgent` reads a
   * draft, and what stands before the next. `sendResults` then reads only the rest. A later call replaces an earlier one. Does
   * nothing while the agent is answering; rejects with INVALID_REQUEST for a result without its call.
   */
  readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary>;
  /**
   * The size of a message after the head, or in place of turn `instead`; `undefined` while the agent's model is not
   * loaded. Cheap when little has changed. `attachments` as in `SendRequest`.
   */
  measureDraft(
    id: AgentId,
    draft: string,
    instead?: TurnId,
    attachments?: readonly Attachment[],
  ): Promise<DraftSize | undefined>;
  /**
   * Commits the message and answers it: it is read while it is written to the disk, this resolves when it is there, and no
   * part of the answer is shown before. Rejects, with nothing changed, where it cannot be saved. A message that does not
   * fit the context is not kept: the head goes back.
   */
  send(id: AgentId, request: SendRequest): Promise<Running>;
  /**
   * Goes on with the turn at the head, whose answer called tools: a further step with the calls' results. As `send`. Rejects
   * with INVALID_REQUEST for a result without its call, a call without its result, and a head that waits for none.
   */
  sendResults(id: AgentId, request: ResultsRequest): Promise<Running>;
  /**
   * Answers the head's (or `turn`'s) message again, on a new branch. When sampling is greedy only by the model's
   * default, this answer is sampled: the same text again would be useless.
   */
  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running>;
  /**
   * Continues the head's answer where it was cut (stopped, limit reached, interrupted, failed): the same turn grows. A
   * turn that other turns follow is copied first, so that these still follow the unchanged turn. Only the last token of
   * prompt and answer is prefilled, since its logits give the next token. Rejects with INVALID_REQUEST when there is no
   * turn or the answer ended by itself, and with CONTEXT_FULL when the context has no room left.
   */
  continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running>;
  /** Saves what is not on disk yet; rejects with the reason when that fails again. */
  saveAgent(id: AgentId): Promise<AgentSummary>;
  /** A pinned agent's cache is loaded into memory, and leaves it after all unpinned ones when room is needed. */
  pinAgent(id: AgentId, pinned: boolean): Promise<AgentSummary>;
  /** Sets the agent's own sampling from its next answer on; forks inherit it. Empty: removes it. */
  setAgentSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary>;
  /**
   * Sets how the agent thinks from its next answer on, where its model's template asks (`thinkingChoices`); forks inherit
   * it. `undefined`: as the model does by itself.
   */
  setAgentThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary>;
  /**
   * Sets the tools that the agent's model is told of, from its next message on; forks inherit them. Empty: none. Rejects with
   * INVALID_REQUEST where they cannot be offered.
   */
  setAgentTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary>;
  /**
   * Whether a view shows this agent. While one does, its lock and its logs are kept; calls with true are counted, and
   * each call with false takes one back.
   */
  setShown(id: AgentId, shown: boolean): Promise<void>;
  /** The running answer of an agent, if there is one. */
  running(id: AgentId): Promise<Running | undefined>;

  // the store on disk
  storeStats(): Promise<StoreStats>;
  /** Reads and verifies all saved blocks; removes nothing. When stopped, it returns what it has found so far. */
  verifyStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreVerification>;
  /**
   * Removes unreferenced objects. Safe while other windows run. Rejects with AGENT_LOCKED while another one does the
   * same.
   */
  collectStore(signal?: AbortSignal): Promise<StoreCollection>;
  /** Verifies, removes damaged blocks and repairs damaged agents. */
  repairStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreRepair>;
  /**
   * Deletes all agents and their caches. Rejects with AGENT_LOCKED and deletes nothing when another process uses one.
   */
  forgetEverything(): Promise<StoreForgotten>;
  /** Sets the sampling of the user's settings, for answers that begin from now on. */
  setDefaultSampling(sampling: SamplingOptions): Promise<void>;

  // benchmarks
  runBench(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport>;

  /** Stops work, saves unsaved data (within `deadlineMs`), and frees the model. */
  dispose(deadlineMs?: number): Promise<void>;
}

/** Options with which a program starts the core. All paths are absolute. */
export interface ServiceOptions {
  /** Folder of agents, store, imported models and benchmark results. */
  readonly home: string;
  /** The starter model's directory: built by set-up. */
  readonly starterModel: string;
  /** Folder with `resident.node` and its libraries. */
  readonly nativeStage: string;
  /** Folder of the reference that EXP-005 compares with; only a checkout has one. */
  readonly reference?: string;
  /** The GGUF file that the benchmark's model was imported from, for the programs that it is compared with. */
  readonly benchGguf?: string;
  readonly defaultModel?: string;
  readonly modelFolders: readonly string[];
  /** The person's home folder, in which models of other programs are looked for. Absent: they are not. */
  readonly userHome?: string;
  /**
   * Absent: chosen from free memory, the model and its context. A too large size is reduced, and the status says so.
   */
  readonly poolBytes?: number;
  readonly blockTokens: number;
  /** Sampling of the user's settings; `setDefaultSampling` changes it. */
  readonly sampling?: SamplingOptions;
  readonly storeQuotaBytes: number;
  /** Threads of the CPU kernels; 0 or absent: the number of physical cores. */
  readonly threads?: number;
  /** The model is freed after it was unused for this long; 0 or absent: never. */
  readonly unloadAfterMs?: number;
  /** Number format of K and V in the pool; absent: the device's default. Caches of another format are refused. */
  readonly kvDtype?: KvDtype;
  /** A server that sends nothing for so long has failed; absent: 10 minutes. */
  readonly serverSilenceMs?: number;
  /** Guess the next tokens from the agent's own tokens, and verify them (default: yes). Answers do not depend on it. */
  readonly promptLookup?: boolean;
}
