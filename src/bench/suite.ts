import type { BenchRow, Progress } from "../protocol/service";

/** How a running suite tells where it is and hears that it should stop. */
export interface SuiteRun {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

/** Measures and returns its rows; leaves nothing behind. Rejects with ABORTED when the signal says so. */
export type Suite = (run: SuiteRun) => Promise<readonly BenchRow[]>;
