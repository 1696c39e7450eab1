import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Disposable } from "../common/disposables";
import { throwIfAborted } from "../common/errors";
import type { BenchRow, GenerateRequest, ResidentService, TurnFigures } from "../protocol/service";
import { greedy, usual } from "./benchSampling";
import { benchText, randomWords } from "./benchText";
import { decodingRuns, idleShare, stepMsOf, type TimedRun, whileListening } from "./deviceRuns";
import type { EngineProbe } from "./engineProbe";
import { finishedAnswer } from "./finishedAnswer";
import { type AgentService, withReadingAgent } from "./readingAgent";
import { median, percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

export interface AnswerPlan {
  readonly repeats: number;
  /** Answers at the same time. */
  readonly together: number;
  readonly answerTokens: number;
  /** Length of an answer whose tokens or runs are timed one by one. */
  readonly timedTokens: number;
  /** Length of a beginning that several prompts share, and of the context that is hot or cold. */
  readonly sharedTokens: number;
  readonly longTokens: number;
  /** Length of the text that is written again. */
  readonly rewriteTokens: number;
}

/**
 * One request and when each piece of its answer came, in milliseconds of this process. Sampled as usual and without
 * guesses, unless the request says otherwise.
 */
export async function answer(service: Service, request: GenerateRequest, maxTokens: number, signal: AbortSignal) {
  throwIfAborted(signal);
  const times: number[] = [];
  const running = service.generate({ raw: true, promptLookup: false, sampling: usual(maxTokens), ...request });
  running.onEvent((event) => {
    if (event.type === "text") times.push(performance.now());
  });
  const done = await finishedAnswer(running, signal);
  return { ...done, gapsMs: times.slice(1).map((time, i) => time - (times[i] ?? time)) };
}

/** Tokens per second of answers that run together, and the delay of the host's event loop in the meantime. */
async function together(service: Service, prompts: readonly string[], plan: AnswerPlan, signal: AbortSignal) {
  const lookMs = 1;
  const delay = monitorEventLoopDelay({ resolution: lookMs });
  const startedMs = performance.now();
  delay.enable();
  const answers = await Promise.all(prompts.map((prompt) => answer(service, { prompt }, plan.timedTokens, signal)));
  delay.disable();
  const ms = performance.now() - startedMs;
  const tokens = answers.reduce((sum, { figures }) => sum + figures.generatedTokens, 0);
  // The monitor includes its own interval.
  const loopMs = [50, 95, 99].map((p) => Math.max(0, delay.percentile(p) / 1e6 - lookMs));
  return { tokensPerSecond: (tokens / ms) * 1000, loopMs };
}

/** How long agents' answers delay the host's event loop, and how much slower they are when other code blocks it. */
export async function eventLoopRows(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "onRun">,
  signal: AbortSignal,
) {
  // The same prompts each time: the lengths of their answers decide how many answers run together, and so how fast.
  const prompts = Array.from({ length: plan.together }, () => randomWords(16));
  await together(service, prompts, plan, signal);
  const quiet: Awaited<ReturnType<typeof together>>[] = [];
  const busy: typeof quiet = [];
  const runs = { quiet: [] as TimedRun[], busy: [] as TimedRun[] };
  const measure = async (rates: typeof quiet, timed: TimedRun[]) => {
    const { value, heard } = await whileListening(probe, () => together(service, prompts, plan, signal));
    rates.push(value);
    timed.push(...decodingRuns(heard));
  };
  for (let i = 0; i < plan.repeats; i += 1) {
    await measure(quiet, runs.quiet);
    const blocker = blockOnceASecond();
    await measure(busy, runs.busy).finally(() => blocker.dispose());
  }
  const [p50Ms = 0, p95Ms = 0, p99Ms = 0] = [0, 1, 2].map((p) => median(quiet.map(({ loopMs }) => loopMs[p] ?? 0)));
  const rate = (runs: typeof quiet) => median(runs.map(({ tokensPerSecond }) => tokensPerSecond));
  const rows: BenchRow[] = [
    { case: `event-loop delay, ${plan.together} answers`, n: plan.repeats, p50Ms, p95Ms, p99Ms, targetMs: 10 },
    {
      case: `${plan.together} answers, host blocked 200 ms a second`,
      ...percentiles([]),
      n: plan.repeats,
      tokensPerSecond: rate(busy),
      undisturbedTokensPerSecond: rate(quiet),
      ratio: rate(busy) / rate(quiet),
      // How long the device waited for the host; other load on the machine does not change this.
      deviceIdleShare: idleShare(runs.busy),
      stepMs: stepMsOf(runs.busy),
      undisturbedStepMs: stepMsOf(runs.quiet),
      targetRatio: 0.9,
    },
  ];
  return rows;
}

/** Blocks the event loop for the last 200 ms of every second from now on. */
function blockOnceASecond(): Disposable {
  const blocker = { timer: setTimeout(again, 800) };
  function again() {
    blocker.timer = setTimeout(again, 1000);
    blockFor200Ms();
  }
  return { dispose: () => clearTimeout(blocker.timer) };
}

/** Uses no processor time: the measurement is about waiting for the loop, not about sharing processors. */
function blockFor200Ms(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}

/** TTFT of the second of two prompts with the same long beginning, compared with the first. */
export async function sharingRow(service: Service, plan: AnswerPlan, signal: AbortSignal): Promise<BenchRow> {
  const first: TurnFigures[] = [];
  const second: TurnFigures[] = [];
  for (let i = 0; i < plan.repeats; i += 1) {
    const shared = benchText(`to be shared, ${Date.now()}.${i}`, plan.sharedTokens);
    first.push((await answer(service, { prompt: `${shared} One.` }, 2, signal)).figures);
    second.push((await answer(service, { prompt: `${shared} Two!` }, 2, signal)).figures);
  }
  return ttftRow(`second of two with the same ${plan.sharedTokens} tokens, TTFT`, first, second);
}

/**
 * TTFT of an agent's later turns compared with its first turn, which read everything: for messages that come at once,
 * and for messages that were read while they were written.
 */
export async function hotAgentRows(
  service: AgentService,
  plan: AnswerPlan,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const turns = { cold: [] as TurnFigures[], atOnce: [] as TurnFigures[], written: [] as TurnFigures[] };
  for (let i = 0; i < plan.repeats; i += 1) {
    await withReadingAgent(service, plan.longTokens, signal, async (agent) => {
      turns.cold.push(await agent.ask());
      for (let j = 0; j < plan.repeats; j += 1) {
        await agent.rest();
        turns.atOnce.push(await agent.ask());
        await agent.rest();
        await agent.write();
        turns.written.push(await agent.ask());
      }
    });
  }
  const row = (what: string, later: readonly TurnFigures[]) => ({
    ...ttftRow(`hot agent of ${plan.longTokens} tokens, ${what}, TTFT`, turns.cold, later),
    targetRatio: 100,
  });
  return [row("a message that comes at once", turns.atOnce), row("one that was written in the chat", turns.written)];
}

function ttftRow(name: string, first: readonly TurnFigures[], later: readonly TurnFigures[]) {
  const times = percentiles(later.map(({ ttftMs }) => ttftMs));
  const firstMs = median(first.map(({ ttftMs }) => ttftMs));
  const { reusedTokens = 0, prefilledTokens = 0 } = later.at(-1) ?? {};
  const ratio = firstMs / Math.max(times.p50Ms, 0.001);
  return { case: name, ...times, firstMs, ratio, reusedTokens, prefilledTokens };
}

/** Writes again what was read, greedily, with guesses and without. The row says whether the ids are the same. */
export async function rewriteRow(service: Service, plan: AnswerPlan, signal: AbortSignal): Promise<BenchRow> {
  const rates = { guessing: [] as number[], plain: [] as number[] };
  let identical = true;
  for (let i = 0; i < plan.repeats; i += 1) {
    const text = benchText(`to be written again, ${i}`, plan.rewriteTokens);
    const prompt = `${text}\n\nThe same notes again:\n\n${text.slice(0, 120)}`;
    const maxTokens = plan.rewriteTokens / 2;
    const run = (promptLookup: boolean) =>
      answer(service, { prompt, promptLookup, sampling: greedy(maxTokens) }, maxTokens, signal);
    const plain = await run(false);
    const guessing = await run(true);
    identical &&= plain.tokenIds.join() === guessing.tokenIds.join();
    rates.plain.push(plain.figures.decodeTokensPerSecond);
    rates.guessing.push(guessing.figures.decodeTokensPerSecond);
  }
  const tokensPerSecond = median(rates.guessing);
  return {
    case: "rewriting what was read, guesses",
    ...percentiles(rates.guessing.map((rate) => 1000 / rate)),
    tokensPerSecond,
    withoutGuesses: median(rates.plain),
    ratio: tokensPerSecond / median(rates.plain),
    identical,
  };
}
