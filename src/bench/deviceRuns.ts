import type { RunFigures } from "../native/mlxRunner";
import type { BenchRow } from "../protocol/service";
import type { EngineProbe } from "./engineProbe";
import { percentiles } from "./statistics";

/** How long one run took, and for how much of that time the device worked. */
export interface TimedRun extends RunFigures {
  /** From the end of the previous run to the end of this one, as JavaScript sees them. */
  readonly wallMs: number;
}

export type HeardRun = RunFigures & { readonly endedMs: number };

/** The result of `work`, and the runs of the device in the meantime. */
export async function whileListening<T>(probe: Pick<EngineProbe, "onRun">, work: () => Promise<T>) {
  const heard: HeardRun[] = [];
  const listening = probe.onRun((run) => heard.push({ ...run, endedMs: performance.now() }));
  const value = await work().finally(() => listening.dispose());
  return { value, heard };
}

/** The runs in which all sequences decode and which follow another run. `together`: only those with this many sequences. */
export function decodingRuns(runs: readonly HeardRun[], together?: number): readonly TimedRun[] {
  const timed: TimedRun[] = [];
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1];
    if (before === undefined || !decodes(run, together)) continue;
    timed.push({ ...run, wallMs: run.endedMs - before.endedMs });
  }
  return timed;
}

function decodes({ sequences, rows }: RunFigures, together = sequences): boolean {
  return rows === sequences && sequences === together;
}

const totalOf = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const idleMs = (run: TimedRun) => Math.max(0, run.wallMs - run.deviceMs);

/** The share of the runs' time in which the device was not inside a step. */
export function idleShare(runs: readonly TimedRun[]): number {
  const wallMs = totalOf(runs.map((run) => run.wallMs));
  return wallMs === 0 ? 0 : totalOf(runs.map(idleMs)) / wallMs;
}

/** Tokens per second, the host's time included; 0 without runs. */
export function tokensPerSecondOf(runs: readonly TimedRun[]): number {
  const wallMs = totalOf(runs.map((run) => run.wallMs));
  return wallMs === 0 ? 0 : (totalOf(runs.map((run) => run.steps * run.sequences)) / wallMs) * 1000;
}

/** Milliseconds that the device takes for one step. */
export function stepMsOf(runs: readonly TimedRun[]): number {
  const steps = totalOf(runs.map((run) => run.steps));
  return steps === 0 ? 0 : totalOf(runs.map((run) => run.deviceMs)) / steps;
}

/**
 * Scheduler, JavaScript and N-API: the share of the time in which the device was not inside a step, while several answer
 * together. Of each run: 1 − (milliseconds inside its steps) / (milliseconds from the end of the run before to its end).
 */
export function overheadRow(runs: readonly TimedRun[], together: number): BenchRow {
  const shares = percentiles(runs.map((run) => idleMs(run) / run.wallMs));
  return {
    case: `scheduler and JavaScript, of a step with ${together} answers`,
    ...percentiles(runs.map((run) => idleMs(run) / run.steps)),
    stepMs: stepMsOf(runs),
    share: idleShare(runs),
    shareP50: shares.p50Ms,
    shareP95: shares.p95Ms,
    mostShare: 0.02,
  };
}
