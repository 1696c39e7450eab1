import type { Disposable } from "../common/disposables";
import type { RunFigures } from "../native/mlxRunner";

/** A cache on disk that no agent has. */
export interface StoredCache {
  /** Reads and verifies it as an agent's restore does, into free blocks, and lets them go. Resolves with its tokens. */
  restore(): Promise<number>;
  /** Removes the files. */
  dispose(): Promise<void>;
}

/** What the suites ask of the engine under the door. The model is loaded. */
export interface EngineProbe {
  /** After each run, on the JavaScript thread. */
  onRun(listener: (run: RunFigures) => void): Disposable;
  /** Writes a cache of about `tokens` tokens. */
  storeCache(tokens: number): Promise<StoredCache>;
  /** Reads `tokens` drawn tokens ahead, as an open panel does, until they are read or the signal aborts. */
  readAhead(tokens: number, signal: AbortSignal): Promise<void>;
}
