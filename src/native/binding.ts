/**
 * The whole interface of the native addon `resident.node`. Only ids, token arrays, paths and numbers cross it: tensor
 * bytes never do. Half-open ranges everywhere. Every promise rejects with an Error whose `code` is one of
 * `NativeErrorCode` and whose `facts` hold the numbers; the addon never aborts the process on bad input.
 *
 * What `run`, `logits` and `copyBlock` of a pool throw or reject with, and the copies of `writeBlockFile` and
 * `readBlockFile`, also has `facts.contents`: "intact" means that every block holds what it held for the tokens that were
 * computed before the call; "unknown" means that a step failed between its first write and its end, so that no block can
 * be trusted and the pool refuses to run. `facts.sequence` is the index in the batch of the sequence that is to blame,
 * where one is: without it the others can run.
 *
 * One thread owns MLX; calls are jobs on it in submission order. Copies of blocks run between the steps of a run, a few
 * at a time. Files are read and written on other threads that never touch MLX.
 */

import type { ErrorFacts } from "../common/errors";
import type { KvDtype } from "../common/kvDtypes";
import type { SamplingRange } from "../common/samplingRanges";

export type NativeErrorCode =
  | "INVALID_REQUEST" // wrong ids, shapes, ranges: nothing ran
  | "OUT_OF_MEMORY" // facts: neededBytes, availableBytes, promisedBytes where it was seen before anything was allocated
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
  /** The ranges that `run` holds sampling parameters to, by name: those of src/common/samplingRanges.ts. */
  samplingRanges(): Readonly<Record<string, SamplingRange>>;
  /** What the machine offers. `memoryBytes`: physical; `availableBytes`: usable now without swapping, and not promised. */
  deviceInfo(): Promise<DeviceInfo>;
  /** Bytes a second that `threads` threads read from memory; 0: as many as compute. For the benchmarks. */
  readBandwidth(threads: number): Promise<number>;
  /**
   * Reads `config.json` and the safetensors of an MLX-format directory. Checks architecture, every tensor's name, shape,
   * dtype and length, and free memory before MLX sees them. Only one model may be loaded at a time per addon instance.
   * `cancel` rejects with ABORTED and frees what was read. Rejects with MODEL_CORRUPT when a weight file is written or
   * replaced meanwhile.
   */
  loadModel(options: LoadModelOptions, onProgress: (progress: LoadProgress) => void): NativeTask<NativeModel>;
  /**
   * `NativeModelInfo.weightsId` of the model in `directory`, without reading its weights: known where every weight file is
   * as it was when a load with this `home` hashed it (device, inode, size, times in ns); otherwise undefined.
   */
  weightsId(directory: string, home: string): Promise<string | undefined>;
  /**
   * A pool of any geometry with no model behind it, for the benchmarks: its blocks can be copied, written and read;
   * `run` and `logits` reject with INVALID_REQUEST. Freed by its own `dispose`.
   */
  createBarePool(geometry: BarePoolGeometry): Promise<NativePool>;
  /**
   * Reads a block file of any model on an I/O thread and verifies it by what it says of itself: length, format, checksum
   * over header and data. Needs no model and keeps nothing of the data.
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
   * Takes an exclusive OS lock (flock) that dies with the process. `undefined` when another holder has it, in this
   * process too. Keep the lock: it ends with `release` or when nothing refers to it any more.
   */
  tryLock(path: string): NativeLock | undefined;
}

export interface DeviceInfo {
  readonly device: Device; // the default: gpu where Metal is there, unless RESIDENT_DEVICE says otherwise
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
   * Threads of the CPU kernels, 1…256; 0 or absent: RESIDENT_THREADS, else as many as there are physical cores that the
   * process may use: its affinity and a CPU quota of its control group count.
   */
  readonly threads?: number;
  /** Of K and V in the pool; absent: f16 with the CPU kernels, elsewhere the type of the activations. */
  readonly kvDtype?: KvDtype;
  /**
   * Folder for what is shared with other processes and later loads: digests of weights in `weights.json`, and in `promises`
   * the memory that each process has promised to weights and pools and not filled yet. Absent: others' promises do not
   * count. It is this process's until another load names another one.
   */
  readonly home?: string;
}

/** Work under way. `cancel` is a request: it takes effect between two steps, or two pieces of a file. */
export interface NativeTask<T> {
  readonly result: Promise<T>;
  cancel(): void;
}

export interface LoadProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

/** What the loaded model is. Identity fields are what a KV block's identity is made of. */
export interface NativeModelInfo {
  readonly architecture: "llama" | "mistral" | "qwen2" | "qwen3" | "gemma3_text";
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxContextTokens: number;
  readonly weightBytes: number;
  /** Of the weights that one decode step reads, as they lie in memory. */
  readonly stepWeightBytes: number;
  readonly kvDtype: KvDtype;
  /** Bytes of K and V of one token over all layers. */
  readonly kvBytesPerToken: number;
  /** Layers whose rows see the last `tokens` tokens only, their own included; absent: there are none. */
  readonly window?: {
    readonly tokens: number;
    readonly layers: number;
    /** Of `kvBytesPerToken`, what these layers take. */
    readonly kvBytesPerToken: number;
  };
  /**
   * Hex digest (XXH3-128) over config.json and every tensor: name, element type, shape and every byte. How the tensors are
   * spread over files does not change it.
   */
  readonly weightsId: string;
  /** Canonical JSON of everything in the config that changes K and V (RoPE included). */
  readonly architectureId: string;
  /**
   * Layout of a block file's tensors: "token-major-1" for MLX's operations, "head-major-kt-1" for the CPU kernels; with
   * "q8" before the last number where K and V have 8 bits.
   */
  readonly kvLayoutId: string;
  /** What decides a result's last bits: "ops_mlx-1/mlx-0.32.4/cpu-x64", or "ops_cpu-1", whose bits are the same everywhere. */
  readonly numericsId: string;
  readonly device: Device;
  /** Stock MLX operations, or our own CPU kernels (RESIDENT_OPS). */
  readonly ops: "mlx" | "cpu";
  /** Of the CPU kernels: instruction set (RESIDENT_CPU_LEVEL) and threads. */
  readonly cpuLevel?: string;
  readonly cpuThreads?: number;
}

export interface NativeModel {
  readonly info: NativeModelInfo;
  /**
   * Allocates the slabs: per layer one for K and one for V, `blocks * blockTokens` slots. One pool a model at a time. With
   * `windowBlocks`, layers with a window have so many blocks of their own, whose ids follow those of the others, and every
   * sequence has a second table of them; without, a block is of all layers.
   */
  createPool(blocks: number, blockTokens: number, windowBlocks?: number): Promise<NativePool>;
  /** Frees weights (and the pool) and gives memory back. Idempotent; pending runs reject with ABORTED. */
  dispose(): Promise<void>;
}

/**
 * One sequence's part of a step. Field arrays are flat over rows (structure of arrays), because a step is built at
 * every token. `n` sequences: `tokenCounts`, `starts`, `tableLengths`, `wantToken` and `sampling` have length n.
 */
export interface StepBatch {
  /**
   * All new token ids, sequence after sequence. -1 as a sequence's only token: what the run before sampled last in this
   * place of its batch.
   */
  readonly tokens: Int32Array;
  /** How many of `tokens` belong to each sequence; ≥ 1. */
  readonly tokenCounts: Int32Array;
  /** Position of each sequence's first new token = number of tokens already in its blocks. */
  readonly starts: Int32Array;
  /**
   * Block ids in order, sequence after sequence; must cover start + tokenCount + (steps − 1) tokens where wantToken is 1.
   * Where the pool has `windowBlocks`, each sequence's second table follows its first (and `tableLengths` has two numbers
   * for each); -1 in it stands for a block that the new tokens do not see any more.
   */
  readonly tables: Int32Array;
  readonly tableLengths: Int32Array;
  /** 1 = sample a token after the last row. */
  readonly wantToken: Uint8Array;
  /** Sampling parameters per sequence; read, and held to `samplingRanges`, only where wantToken is 1. */
  readonly sampling: readonly NativeSampling[];
  /**
   * 1…k: tokens that each sequence with wantToken 1 samples, unless it samples one of its `stopIds` before: one a step,
   * or several where guesses prove right. Sequences with wantToken 0 take part in the first step only.
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
  /** Counter-based random numbers are keyed by (seed, position of the sampled token). 64 bits as two unsigned halves. */
  readonly seedLow: number;
  readonly seedHigh: number;
  /** Token ids and what is added to their logits, same length. */
  readonly biasIds: Int32Array;
  readonly biasValues: Float32Array;
  /**
   * What penalties count of the answer so far; a run adds what it samples. `recentIds`: its last ids in order, at most
   * `repetitionWindowTokens`, for the repetition penalty. `answerIds`, `answerCounts`: its distinct ids and how often each
   * was sampled, for presence and frequency penalties. What an unused penalty would count is ignored.
   */
  readonly recentIds: Int32Array;
  readonly answerIds: Int32Array;
  readonly answerCounts: Int32Array;
  /** Ids that end the sequence inside a run of several steps. */
  readonly stopIds: Int32Array;
  /**
   * All ids of the sequence, the last of `tokens` included: where its newest ones stood before, what followed there is
   * guessed and verified within the same step (prompt lookup). Empty: no guesses.
   */
  readonly lookupIds: Int32Array;
  /** Number of most likely ids whose log-probabilities are wanted; 0 = none, −1 = only the sampled id's. */
  readonly logprobs: number;
}

/**
 * One sampled token. `step` counts from 0 inside the run, and may have several of one sequence; `sequence` indexes the
 * batch. Log-probabilities are those after bias and penalties, before temperature.
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
 * A sequence whose next token could not be chosen, as the model computed no finite logits for it: none follows in this
 * run. The others go on, and get what they would have got.
 */
export interface SequenceFailure {
  readonly sequence: number;
  readonly step: number;
  readonly code: NativeErrorCode;
  readonly what: string;
  readonly facts: ErrorFacts;
}

export interface StepStats {
  /** Milliseconds in steps and in sampling, without what happens between steps. */
  readonly stepMs: number;
  /** Slabs that MLX copied instead of updating in place: 0 unless something is wrong. */
  readonly movedSlabs: number;
  /** Sequences attended through a zero-copy view (one run of blocks) and through a gather. */
  readonly viewSequences: number;
  readonly gatheredSequences: number;
  /** Guessed tokens, and those of them that proved right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

export interface BlockFileWrite {
  readonly block: number;
  /** Number of valid tokens in the block, 1…blockTokens. */
  readonly tokens: number;
  /** Final path; written as `<path>.tmp-<pid>-<n>` and renamed. Parent folder must exist. */
  readonly path: string;
  /** Goes into the safetensors metadata as it is; keys "format" and "checksum" are the addon's own. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface BlockFileRead {
  readonly path: string;
  /** A free block of the pool that no running sequence's table names. */
  readonly block: number;
  /** Number of tokens that the file must hold. */
  readonly tokens: number;
  /** Every pair must stand in the file's metadata exactly so. */
  readonly expect: Readonly<Record<string, string>>;
  /** When a file that holds it counts as used, in milliseconds since 1970; absent: nothing is changed. */
  readonly usedAt?: number;
}

/**
 * Why a block file was refused. `missing`: there is none. `unreadable`: it could not be opened or read (too many open files,
 * an I/O error, no permission, no memory), which says nothing of what it holds: it may be good and is not to be removed.
 * Everything else is about the file: it is not the block that is wanted, and never will be. `format` is also what is no
 * regular file.
 */
export type BlockRefusal =
  | {
      readonly code: "missing" | "truncated" | "checksum" | "format" | "geometry" | "unreadable";
      readonly reason: string;
    }
  | { readonly code: "identity"; readonly reason: string; readonly key: string };

/** What a block file is: whole, with the metadata that it was written with, or refused. */
export interface BlockFileCheck {
  /** Of the file, as far as it could be opened. */
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
   * sequences that failed in it, before the promise resolves. `cancel` ends the run after the step under way: what was sampled is delivered and the promise
   * resolves. What `onTokens` throws cancels the run and rejects it. `dispose` of pool or model rejects it with ABORTED.
   * Throws INVALID_REQUEST at once for arguments of a wrong type; wrong values reject.
   */
  run(
    batch: StepBatch,
    onTokens: (tokens: readonly SampledToken[], failures: readonly SequenceFailure[]) => void,
  ): NativeTask<StepStats>;
  /** Copies the first `tokens` slots of block `from` to block `to` (copy on write). */
  copyBlock(from: number, to: number, tokens: number): Promise<void>;
  /**
   * Copies the block's bytes between steps, in the order of the calls, then writes on the I/O thread. Resolves with the
   * bytes written once renamed. Each call holds a copy of its block until then: keep few of them under way.
   */
  writeBlockFile(request: BlockFileWrite): Promise<number>;
  /**
   * Reads into the block and verifies (length, format, expected metadata, geometry, checksum over header and data) on an
   * I/O thread; where steps may move the slabs, by way of other memory that is copied between steps. What the block holds
   * is only known once this resolves with nothing: not before, and not after a refusal.
   */
  readBlockFile(request: BlockFileRead): Promise<BlockRefusal | undefined>;
  /** The logits after the last of `tokens` for one sequence: for tests and perplexity; same checks as `run`. f32 [vocabSize]. */
  logits(tokens: Int32Array, start: number, table: Int32Array, windowTable?: Int32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}
