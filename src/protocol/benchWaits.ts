import type { BenchSuite } from "./service";

/**
 * Whether answers wait while a suite runs: they would disturb its figures. EXP-005 compares ids and the soak counts
 * failures, which other answers do not change; the host suite measures a thread of its own engine.
 */
export const answersWait: Readonly<Record<BenchSuite, boolean>> = {
  "exp-005": false,
  "exp-006": true,
  resume: true,
  throughput: true,
  engine: true,
  host: false,
  soak: false,
};

/** The same in words, shown with the progress. */
export function waitText(suite: BenchSuite): string {
  return answersWait[suite] ? "Answers wait until it has ended." : "Agents can answer meanwhile.";
}
