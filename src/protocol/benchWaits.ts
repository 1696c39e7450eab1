import type { BenchSuite } from "./service";

/**
 * Whether answers wait while a suite runs because they would disturb its figures. EXP-005 compares ids and the soak
 * counts failures, which other answers do not change; the host suite measures a thread with an engine of its own.
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

/** The same as a text, shown with the progress. */
export function waitText(suite: BenchSuite): string {
  return answersWait[suite] ? "Answers wait until it has ended." : "Agents can answer in the meantime.";
}
