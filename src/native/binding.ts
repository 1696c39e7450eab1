/**
 * The whole interface of the native addon `resident.node`. Only ids, token arrays, paths and numbers cross it: tensor
 * bytes never do. Half-open ranges everywhere. Every promise rejects with an Error whose `code` is one of
 * `NativeErrorCode` and whose `facts` hold the numbers; the addon never aborts the process on bad input.
 *
 * Errors of `run`, `logits` and `copyBlock` of a pool, and of the copies in `writeBlockFile` and `readBlockFile`, also
 * have `facts.contents`. "intact": every block holds what it held for the tokens that were computed before the call.
 * "unknown": a step failed between its first write and its end, so no block can be trusted and the pool refuses to run.
 * `facts.sequence` is the index in the batch of the sequence that caused the error, where there is one: the others can
 * run without it.
 *
 * One thread owns MLX; calls are jobs on it in submission order. Copies of blocks run between the steps of a run, a few
 * at a time. Files are read and written on other threads that never touch MLX.
 */

import type { ErrorFacts } from "../common/errors";
import type { KvDtype } from "../common/kvDtypes";
import type { SamplingRange } from "../common/samplingRanges";

export type NativeErrorCode =
  | "INVALID_REQUEST" // wrong ids, shapes, ranges: nothing ran
  | "OUT_OF_MEMORY" // facts: neededBytes, availableBytes, promisedBytes, limit ("memory", "gpu") where it was seen before
  | "MODEL_NOT_FOUND"
  | "MODEL_INCOMPLETE" // a file or tensor is missing or shorter than its header says; facts: path / tensor
  | "MODEL_CORRUPT"
  | "MODEL_UNSUPPORTED" // facts: what is unknown, by name
  | "STORE_CORRUPT"
  | "DISK_FULL"
  | "IO_FAILURE"
  | "ABORTED"
  | "NATIVE_FAILURE"; // MLX threw, or a model computed no finite logits

export type Device = "cpu" | "gpu";

export interface NativeAddon {
  /** Synchronous, touches no device: version of the addon and of MLX, platform, whether ASan is compiled in. */
  versions(): { readonly addon: string; readonly mlx: string; readonly platform: string; readonly sanitizer: string };
  /** The ranges of sampling parameters that `run` accepts, by name: those of src/common/samplingRanges.ts. */
  samplingRanges(): Readonly<Record<string, SamplingRange>>;
  /**
   * Memory that this process costs now. On a Mac its footprint, as Activity Monitor shows it, since resident memory leaves
   * out what Metal holds for the process; elsewhere what is resident.
   */
  footprintBytes(): number;
  /** What the machine offers. `memoryBytes`: physical; `availableBytes`: usable now without swapping, and not promised. */
  deviceInfo(): Promise<DeviceInfo>;
  /** Bytes per second that `threads` threads read from memory; 0: as many threads as compute. For the benchmarks. */
  readBandwidth(threads: number): Promise<number>;
  /** Time in ms that `threads` threads (0: as many as compute) take to sample `rows` tokens. For the benchmarks. */
  samplingMs(rows: number, words: number, threads: number): Promise<number>;
  /**
   * Reads `config.json` and the safetensors of an MLX-format directory. Checks architecture, every tensor's name,
   * shape, dtype and length, and free memory before MLX sees them. Only one model may be loaded at a time per addon
   * instance. `cancel` rejects with ABORTED and frees what was read. Rejects with MODEL_CORRUPT when a weight file is
   * written or replaced meanwhile.
   */
  loadModel(options: LoadModelOptions, onProgress: (progress: LoadProgress) => void): NativeTask<NativeModel>;
  /**
   * `NativeModelInfo.weightsId` of the model in `directory`, without reading its weights. Known when no weight file has
   * changed since a load with this `home` hashed it (device, inode, size, times in ns); otherwise undefined.
   */
  weightsId(directory: string, home: string): Promise<string | undefined>;
  /**
   * A pool of any geometry without a model, for the benchmarks: its blocks can be copied, written and read; `run` and
   * `logits` reject with INVALID_REQUEST. Its own `dispose` frees it.
   */
  createBarePool(geometry: BarePoolGeometry): Promise<NativePool>;
  /**
   * Reads a block file of any model on an I/O thread and verifies its length, format, and checksum over header and
   * data. Needs no model and keeps none of the data.
   */
  checkBlockFile(path: string): Promise<BlockFileCheck>;
  /**
   * Puts what was written to an open file on disk: fsync, on macOS F_BARRIERFSYNC, which keeps the order in which files were
   * synced at a failure of power and may lose the last ones. The file stays open until this is over. `path`: for errors.
   */
  syncFile(descriptor: number, path: string): Promise<void>;
  /** Sets an extended attribute of a file or folder. Throws IO_FAILURE, also where the file system has none. */
  setAttribute(path: string, name: string, value: Uint8Array): void;
  /**
   * Takes an exclusive OS lock (flock) that ends with the process. `undefined` when another holder has it, also in this
   * process. Keep a reference to the lock: it ends with `release` or when it is garbage-collected.
   */
  tryLock(path: string): NativeLock | undefined;
}

export interface DeviceInfo {
  readonly device: Device; // the default: gpu where Metal is available, unless RESIDENT_DEVICE says otherwise
  readonly name: string;
  readonly gpuAvailable: boolean;
  readonly memoryBytes: number;
  readonly availableBytes: number;
  readonly mlxActiveBytes: number;
  readonly mlxCacheBytes: number;
}

export interface BarePoolGeometry {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: KvDtype;
  readonly blocks: number;
  readonly blockTokens: number;
}

export interface NativeLock {
  release(): void;
}

export interface LoadModelOptions {
  readonly directory: string;
  readonly device?: Device;
  /**
   * Threads of the CPU kernels, 1…256; 0 or absent: RESIDENT_THREADS, else the number of physical cores that the
   * process may use by its affinity and the CPU quota of its control group.
   */
  readonly threads?: number;
  /** Number format of K and V in the pool; absent: f16 with the CPU kernels, otherwise the type of the activations. */
  readonly kvDtype?: KvDtype;
  /**
   * Folder that is shared with other processes and later loads: `weights.json` has digests of weights, `promises` has
   * the memory that each process has promised to weights and pools and not filled yet. Absent: promises of other
   * processes do not count. The process keeps this folder until another load names another one.
   */
  readonly home?: string;
}

/** Running work. `cancel` is a request: it takes effect between two steps, or between two pieces of a file. */
export interface NativeTask<T> {
  readonly result: Promise<T>;
  cancel(): void;
}

export interface LoadProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

/** The loaded model. The identity fields form the identity of its KV blocks. */
export interface NativeModelInfo {
  readonly architecture: "llama" | "mistral" | "qwen2" | "qwen3" | "gemma3_text";
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxContextTokens: number;
  readonly weightBytes: number;
  /** Size in memory of the weights that one decode step reads. */
  readonly stepWeightBytes: number;
  readonly kvDtype: KvDtype;
  /** Bytes of K and V of one token over all layers. */
  readonly kvBytesPerToken: number;
  /** Window layers: layers whose tokens attend only to the last `tokens` tokens, themselves included; absent: none. */
  readonly window?: {
    readonly tokens: number;
    readonly layers: number;
    /** The part of `kvBytesPerToken` that these layers take. */
    readonly kvBytesPerToken: number;
  };
  /**
   * Hex digest (XXH3-128) over config.json and every tensor: name, element type, shape and every byte. It does not
   * depend on how the tensors are spread over files.
   */
  readonly weightsId: string;
  /** Canonical JSON of everything in the config that changes K and V (RoPE included). */
  readonly architectureId: string;
  /**
   * Layout of a block file's tensors: "token-major-1" for MLX's operations, "head-major-kt-1" for the CPU kernels; with
   * "q8" before the last number when K and V have 8 bits.
   */
  readonly kvLayoutId: string;
  /**
   * What decides a result's last bits. "ops_cpu-1": our kernels, whose bits are the same on every processor, in any batch and
   * chunk, and with guesses. "ops_mlx-2/mlx-0.32.4/gpu-arm64-applegpu_g15d": MLX's operations, which have other kernels for
   * other numbers of rows, so that the same tokens may get other last bits in another batch or chunk.
   */
  readonly numericsId: string;
  readonly device: Device;
  /** Stock MLX operations, or our own CPU kernels (RESIDENT_OPS). */
  readonly ops: "mlx" | "cpu";
  /** Instruction set (RESIDENT_CPU_LEVEL) and threads of the CPU kernels. */
  readonly cpuLevel?: string;
  readonly cpuThreads?: number;
}

export interface NativeModel {
  readonly info: NativeModelInfo;
  /**
   * Allocates the slabs: one for K and one for V per layer, `blocks * blockTokens` slots. A model has one pool at a
   * time. With `windowBlocks`, the window layers have that many blocks of their own, whose ids follow those of the
   * others, and every sequence has a second table for them; without, a block holds all layers.
   */
  createPool(blocks: number, blockTokens: number, windowBlocks?: number): Promise<NativePool>;
  /** The words for `compileGrammar`, sorted once for each model on the compiler's thread. INVALID_REQUEST. */
  createVocabulary(words: NativeWords): Promise<NativeVocabulary>;
  /**
   * Compiles what answers may be, by xgrammar, on a thread that is there for this alone. INVALID_REQUEST has the compiler's
   * reason; a text of more than 1 MiB, brackets nested more than 100 deep, and 20 seconds of compiling are refused too.
   *
   * `kind`: "jsonSchema" is a JSON schema; objects have no other properties than it names, and white space is free.
   * "ebnf" is xgrammar's EBNF with the rule `root`. "structuralTag" is xgrammar's structural tag, as its pinned version reads it:
   * `{"type":"structural_tag","format":FORMAT}`.
   *
   * A mark whose name the text has may come as its id or spelt out, but as its id only where it is one: not in a JSON string or
   * in other text that the grammar leaves free in part. A control id that the text does not name comes only where nothing
   * is forbidden.
   */
  compileGrammar(request: NativeGrammarRequest): Promise<NativeGrammar>;
  /** Frees the weights and the pool. Idempotent; pending runs reject with ABORTED. */
  dispose(): Promise<void>;
}

/** What each id stands for in an answer's text. */
export interface NativeWords {
  /** The bytes of all ids, one after the other; marks have their names. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` each id's end. Ids behind the last one stand for nothing. */
  readonly ends: Int32Array;
  /** Marks that are no text at all: of turns. */
  readonly controlIds: Int32Array;
  /** Other marks, which stand in texts only where they are meant: of tools, of thoughts. */
  readonly markIds: Int32Array;
}

export interface NativeVocabulary {
  /** Idempotent. Grammars that were compiled keep their words. */
  dispose(): void;
}

export interface NativeGrammarRequest {
  readonly kind: "structuralTag" | "jsonSchema" | "ebnf";
  readonly text: string;
  readonly vocabulary: NativeVocabulary;
}

export interface NativeGrammar {
  /** Memory that it takes, about. */
  readonly bytes: number;
  /** Idempotent. Runs under way keep it. */
  dispose(): void;
}

/**
 * The sequences of a step. Arrays are flat over rows (structure of arrays), because a step is built for every token.
 * With `n` sequences, `tokenCounts`, `starts`, `tableLengths`, `wantToken` and `sampling` have length n.
 */
export interface StepBatch {
  /**
   * All new token ids, sequence after sequence. -1 as a sequence's only token: the token that the previous run sampled
   * last at this index of its batch.
   */
  readonly tokens: Int32Array;
  /** How many of `tokens` belong to each sequence; ≥ 1. */
  readonly tokenCounts: Int32Array;
  /** Position of each sequence's first new token = number of tokens already in its blocks. */
  readonly starts: Int32Array;
  /**
   * Block ids in order, sequence after sequence; must cover start + tokenCount + (steps − 1) tokens where wantToken is
   * 1. If the pool has `windowBlocks`, each sequence's second table follows its first (and `tableLengths` has two
   * numbers for each); -1 in it stands for a block that the new tokens do not attend to any more.
   */
  readonly tables: Int32Array;
  readonly tableLengths: Int32Array;
  /** 1 = sample a token after the last row. */
  readonly wantToken: Uint8Array;
  /** Sampling parameters per sequence; read, and checked against `samplingRanges`, only where wantToken is 1. */
  readonly sampling: readonly NativeSampling[];
  /**
   * 1…k: tokens that each sequence with wantToken 1 samples, unless it samples one of its `stopIds` earlier: one per
   * step, or several where guesses are right. Sequences with wantToken 0 take part in the first step only.
   */
  readonly steps: number;
}

export interface NativeSampling {
  readonly temperature: number; // 0 = greedy
  readonly topK: number; // 0 = off
  readonly topP: number; // 1 = off, 0 = the most likely token only
  readonly minP: number; // 0 = off
  readonly repetitionPenalty: number; // 1 = off
  readonly presencePenalty: number; // 0 = off
  readonly frequencyPenalty: number; // 0 = off
  /**
   * Counter-based random numbers are keyed by (seed, position of the sampled token). 64 bits as two unsigned halves.
   */
  readonly seedLow: number;
  readonly seedHigh: number;
  /** Token ids and the values added to their logits; same length. */
  readonly biasIds: Int32Array;
  readonly biasValues: Float32Array;
  /**
   * Token counts of the answer so far, for the penalties; a run adds what it samples. `recentIds`: its last ids in
   * order, at most `repetitionWindowTokens`, for the repetition penalty. `answerIds`, `answerCounts`: its distinct ids
   * and how often each was sampled, for presence and frequency penalties. Counts of a penalty that is off are ignored.
   */
  readonly recentIds: Int32Array;
  readonly answerIds: Int32Array;
  readonly answerCounts: Int32Array;
  /** Ids that end the sequence inside a run of several steps. */
  readonly stopIds: Int32Array;
  /**
   * All ids of the sequence, including the last of `tokens`. If its newest ids occurred earlier, the ids that followed
   * there are guessed and verified within the same step (prompt lookup). Empty: no guesses.
   */
  readonly lookupIds: Int32Array;
  /** Whose guesses these are. Guesses that do not pay pause for their guesser alone; without, all share one record. */
  readonly guesser?: string;
  /** Number of most likely ids to report log-probabilities for; 0 = none, −1 = only the sampled id. */
  readonly logprobs: number;
  /**
   * What the answer may be: ids that it forbids are impossible, before bias and penalties; a stop id is possible only where
   * the answer may end. Where it forbids nothing, bits are those of a row without it. Needs stop ids. An answer that
   * cannot go on fails alone.
   */
  readonly grammar?: NativeGrammar;
  /** With `grammar`: the answer's ids so far, from which its place follows. Ids that it forbids: INVALID_REQUEST. */
  readonly grammarIds?: Int32Array;
}

/**
 * One sampled token. `step` counts from 0 inside the run, and a step may give several tokens of one sequence;
 * `sequence` is the index in the batch. Log-probabilities are taken after bias and penalties, before temperature.
 */
export interface SampledToken {
  readonly sequence: number;
  readonly step: number;
  readonly id: number;
  readonly logprob?: number;
  readonly topIds?: Int32Array;
  readonly topLogprobs?: Float32Array;
}

/**
 * A sequence whose next token could not be chosen because no logit is finite, or its grammar allows no word of the model:
 * it gets no further token in this run. The other sequences are unaffected.
 */
export interface SequenceFailure {
  readonly sequence: number;
  readonly step: number;
  readonly code: NativeErrorCode;
  readonly what: string;
  readonly facts: ErrorFacts;
}

export interface StepStats {
  /** Milliseconds in steps and in sampling, without the time between steps. */
  readonly stepMs: number;
  /** Slabs that MLX copied instead of updating in place: 0 unless something is wrong. */
  readonly movedSlabs: number;
  /** Sequences attended through a zero-copy view (one run of blocks) and through a gather. */
  readonly viewSequences: number;
  readonly gatheredSequences: number;
  /** Guessed tokens, and how many of them were right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Tokens that grammars left no choice about: they were appended without sampling, several to a step. */
  readonly forcedTokens: number;
}

export interface BlockFileWrite {
  readonly block: number;
  /** Number of valid tokens in the block, 1…blockTokens. */
  readonly tokens: number;
  /** Final path; written as `<path>.tmp-<pid>-<n>` and renamed. Parent folder must exist. */
  readonly path: string;
  /** Written to the safetensors metadata unchanged; the addon itself uses the keys "format" and "checksum". */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface BlockFileRead {
  readonly path: string;
  /** A block of the pool that is in no running sequence's table. */
  readonly block: number;
  /** Number of tokens that the file must contain. */
  readonly tokens: number;
  /** Every pair must be in the file's metadata with exactly this value. */
  readonly expect: Readonly<Record<string, string>>;
  /** Time of last use to set on a good file, in milliseconds since 1970; absent: the time is not changed. */
  readonly usedAt?: number;
}

/**
 * Why a block file was refused. `missing`: there is no file. `unreadable`: it could not be opened or read (too many
 * open files, an I/O error, no permission, no memory); the file may be good and must not be removed. All other codes
 * are about the file itself: it is not the expected block. `format` is also used when it is not a regular file.
 */
export type BlockRefusal =
  | {
      readonly code: "missing" | "truncated" | "checksum" | "format" | "geometry" | "unreadable";
      readonly reason: string;
    }
  | { readonly code: "identity"; readonly reason: string; readonly key: string };

/** The result of checking a block file: its metadata, or why it was refused. */
export interface BlockFileCheck {
  /** Size of the file, if it could be opened. */
  readonly bytes: number;
  /** Empty after a refusal. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly refused?: BlockRefusal;
}

export interface NativePool {
  readonly blocks: number;
  readonly windowBlocks?: number;
  readonly blockTokens: number;
  readonly bytes: number;
  /**
   * Runs 1…k steps. `onTokens` is called on the JavaScript thread after each step with that step's tokens and the
   * sequences that failed in it, before the promise resolves. `cancel` ends the run after the current step: sampled
   * tokens are delivered and the promise resolves. An error thrown by `onTokens` cancels the run and rejects it.
   * `dispose` of pool or model rejects it with ABORTED. Throws INVALID_REQUEST at once for arguments of a wrong type;
   * wrong values reject.
   */
  run(
    batch: StepBatch,
    onTokens: (tokens: readonly SampledToken[], failures: readonly SequenceFailure[]) => void,
  ): NativeTask<StepStats>;
  /** Copies the first `tokens` slots of block `from` to block `to` (copy on write). */
  copyBlock(from: number, to: number, tokens: number): Promise<void>;
  /**
   * Copies the block's bytes between steps, in the order of the calls, then writes them on the I/O thread. Resolves
   * with the number of bytes written, after the rename. Each call holds a copy of its block until then, so keep few
   * running.
   */
  writeBlockFile(request: BlockFileWrite): Promise<number>;
  /**
   * Reads into the block and verifies it (length, format, expected metadata, geometry, checksum over header and data)
   * on an I/O thread. Where steps may move the slabs, it reads into a buffer that is copied between steps. The contents
   * of the block are known only after this resolves with `undefined`: not before, and not after a refusal.
   */
  readBlockFile(request: BlockFileRead): Promise<BlockRefusal | undefined>;
  /**
   * The logits after the last of `tokens` for one sequence: for tests and perplexity; same checks as `run`. f32
   * [vocabSize].
   */
  logits(tokens: Int32Array, start: number, table: Int32Array, windowTable?: Int32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}
