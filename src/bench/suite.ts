import type { BenchRow, Progress } from "../protocol/service";

/** What a running suite reports its progress to, and what stops it. */
export interface SuiteRun {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

/** Measures and returns its rows; leaves nothing behind. Rejects with ABORTED when the signal aborts. */
export type Suite = (run: SuiteRun) => Promise<readonly BenchRow[]>;
