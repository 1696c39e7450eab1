import type { BenchRow, ResidentService } from "../protocol/service";
import { randomWords } from "./benchText";
import { type AnswerPlan, answer } from "./engineAnswers";
import type { EngineProbe } from "./engineProbe";
import { percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

/** Work that runs at the same time as an answer, until the signal aborts. */
type Beside = (signal: AbortSignal) => Promise<void>;

interface BesideWork {
  readonly name: string;
  /** Answers that run alone; the same number runs together with the work. */
  readonly answers: number;
  readonly tokens: number;
  readonly beside: Beside;
}

/** How long an answer's next token waits while other work runs, and alone, by turns. */
async function besideRow(
  service: Service,
  { name, answers, tokens, beside }: BesideWork,
  signal: AbortSignal,
): Promise<BenchRow> {
  const alone: number[] = [];
  const disturbed: number[] = [];
  const gaps = async () => {
    const { gapsMs } = await answer(service, { prompt: randomWords(16) }, tokens, signal);
    return gapsMs;
  };
  for (let i = 0; i < answers; i += 1) {
    alone.push(...(await gaps()));
    const over = new AbortController();
    const others = untilAborted(beside, AbortSignal.any([signal, over.signal]));
    others.catch(() => {}); // awaited below, after the answer
    disturbed.push(...(await gaps().finally(() => over.abort())));
    await others;
  }
  const times = percentiles(disturbed);
  const { p50Ms, p99Ms } = percentiles(alone);
  return {
    case: name,
    ...times,
    aloneP50Ms: p50Ms,
    aloneP99Ms: p99Ms,
    ratio: times.p99Ms / Math.max(p99Ms, 0.001),
  };
}

async function untilAborted(beside: Beside, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) await beside(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Another prompt is read. The bound is one chunk per step. */
export function besideReadingRow(service: Service, plan: AnswerPlan, signal: AbortSignal): Promise<BenchRow> {
  const read: Beside = async (over) => {
    await answer(service, { prompt: randomWords(plan.longTokens) }, 1, over);
  };
  const name = "next token while another prompt is read";
  return besideRow(service, { name, answers: plan.repeats, tokens: plan.answerTokens, beside: read }, signal);
}

/** An idle agent is read ahead. The bound is the same as for a prompt. */
export function besideReadAheadRow(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "readAhead">,
  signal: AbortSignal,
): Promise<BenchRow> {
  const readAhead: Beside = (over) => probe.readAhead(plan.longTokens, over);
  const name = "next token while another agent is read ahead";
  return besideRow(service, { name, answers: plan.repeats, tokens: plan.answerTokens, beside: readAhead }, signal);
}

/** Another agent's cache is restored from disk repeatedly. Fails if a restore was not complete. */
export async function besideRestoringRow(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "storeCache">,
  signal: AbortSignal,
): Promise<BenchRow> {
  const cache = await probe.storeCache(plan.longTokens);
  const restoredMs: number[] = [];
  let restoredTokens = 0;
  // Other load on the machine delays a few percent of the tokens: that share must be equal with and without restores.
  const answers = 4 * plan.repeats;
  const restore: Beside = async () => {
    const startedMs = performance.now();
    const tokens = await cache.restore();
    if (tokens < plan.longTokens) throw new Error(`only ${tokens} of ${plan.longTokens} tokens came from disk`);
    restoredTokens += tokens;
    restoredMs.push(performance.now() - startedMs);
  };
  try {
    const name = "next token while another agent is restored";
    const row = await besideRow(service, { name, answers, tokens: plan.timedTokens, beside: restore }, signal);
    if (restoredMs.length < plan.repeats) throw new Error("the answers were over before a cache was restored");
    const restores = restoredMs.length;
    return { ...row, mostRatio: 1.2, restores, restoredTokens, restoreMs: percentiles(restoredMs).p50Ms };
  } finally {
    await cache.dispose();
  }
}
