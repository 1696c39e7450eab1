import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { randomWords } from "./benchText";
import { type AnswerPlan, answer } from "./engineAnswers";
import type { DeviceRun, EngineProbe } from "./engineProbe";
import { median, percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

/** What one run took, and how much of it the device was at work. */
export interface TimedRun extends DeviceRun {
  /** From the end of the run before to its own, both as JavaScript hears of them. */
  readonly wallMs: number;
}

/** Those of `together` sequences that all decode, after another such: the wall time is theirs and the host's alone. */
export function decodingRuns(runs: readonly (DeviceRun & { readonly endedMs: number })[], together: number) {
  const timed: TimedRun[] = [];
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1];
    const decodes = (one: DeviceRun | undefined) => one?.sequences === together && one.rows === together;
    if (before === undefined || !decodes(before) || !decodes(run)) continue;
    timed.push({ ...run, wallMs: run.endedMs - before.endedMs });
  }
  return timed;
}

/**
 * Scheduler, JavaScript and N-API: the share of the time in which the device was not inside a step, while several answer
 * together. Of each run: 1 − (milliseconds inside its steps) / (milliseconds from the end of the run before to its end).
 */
export function overheadRow(runs: readonly TimedRun[], together: number): BenchRow {
  const idleMs = (run: TimedRun) => Math.max(0, run.wallMs - run.deviceMs);
  const shares = percentiles(runs.map((run) => idleMs(run) / run.wallMs));
  const sum = (of: (run: TimedRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    case: `scheduler and JavaScript, of a step with ${together} answers`,
    ...percentiles(runs.map((run) => idleMs(run) / run.steps)),
    stepMs:
      sum((run) => run.deviceMs) /
      Math.max(
        1,
        sum((run) => run.steps),
      ),
    share:
      sum(idleMs) /
      Math.max(
        1e-9,
        sum((run) => run.wallMs),
      ),
    shareP50: shares.p50Ms,
    shareP95: shares.p95Ms,
    mostShare: 0.02,
  };
}

/** Several answers at the same time: what the host costs them, and their tokens a second against one's alone. */
export async function togetherRows(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "onRun">,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const runs: TimedRun[] = [];
  const alone: number[] = [];
  const together: number[] = [];
  const rateOf = async (count: number) => {
    throwIfAborted(signal);
    const startedMs = performance.now();
    const prompts = Array.from({ length: count }, () => randomWords(16));
    const answers = await Promise.all(prompts.map((prompt) => answer(service, { prompt }, plan.answerTokens, signal)));
    const tokens = answers.reduce((sum, { figures }) => sum + figures.generatedTokens, 0);
    return (tokens / (performance.now() - startedMs)) * 1000;
  };
  await rateOf(plan.together);
  for (let i = 0; i < plan.repeats; i += 1) {
    alone.push(await rateOf(1));
    const heard: (DeviceRun & { endedMs: number })[] = [];
    const listening = probe.onRun((run) => heard.push({ ...run, endedMs: performance.now() }));
    together.push(await rateOf(plan.together).finally(() => listening.dispose()));
    runs.push(...decodingRuns(heard, plan.together));
  }
  const tokensPerSecond = median(together);
  return [
    {
      case: `${plan.together} answers together against one alone`,
      ...percentiles([]),
      n: plan.repeats,
      tokensPerSecond,
      aloneTokensPerSecond: median(alone),
      ratio: tokensPerSecond / median(alone),
    },
    overheadRow(runs, plan.together),
  ];
}
