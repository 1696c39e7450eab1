import type { Disposable } from "../common/disposables";
import type { RunFigures } from "../native/mlxRunner";
import type { FootprintReader } from "./memory";

/** A cache on disk that belongs to no agent. */
export interface StoredCache {
  /** Reads and verifies it into free blocks as an agent's restore does, then releases them. Resolves with the tokens. */
  restore(): Promise<number>;
  /** Removes the files. */
  dispose(): Promise<void>;
}

/** What suites need of the engine that the service does not offer. The model must be loaded. */
export interface EngineProbe {
  /** Of this process. */
  readonly footprintBytes: FootprintReader;
  /** See NativeAddon. */
  samplingMs(rows: number, words: number, threads: number): Promise<number>;
  /** After each run, on the JavaScript thread. */
  onRun(listener: (run: RunFigures) => void): Disposable;
  /** Writes a cache of about `tokens` tokens. */
  storeCache(tokens: number): Promise<StoredCache>;
  /** Reads `tokens` random tokens ahead, as an open panel does, until they are read or the signal aborts. */
  readAhead(tokens: number, signal: AbortSignal): Promise<void>;
}
