import { randomUUID } from "node:crypto";
import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService, TurnFigures } from "../protocol/service";
import { benchText } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";
import { percentiles } from "./statistics";
import type { Suite, SuiteRun } from "./suite";

export interface ThroughputPlan {
  readonly prefillTokens: readonly number[];
  readonly decodeTokens: number;
  /** Sequences that run together. */
  readonly together: number;
  readonly repeats: number;
}

type Service = Pick<ResidentService, "generate" | "loadModel">;

/** Prefill, decode and several sequences in one batch, greedy, on the loaded model. */
export function throughputSuite(service: Service, plan: ThroughputPlan): Suite {
  return async (run) => {
    await service.loadModel(run.signal);
    const total = plan.prefillTokens.length + 2;
    const rows: BenchRow[] = [];
    const step = (message: string) => run.onProgress({ done: rows.length, total, unit: "runs", message });
    for (const tokens of plan.prefillTokens) {
      step(`prefill of ${tokens} tokens`);
      rows.push(await prefill(service, plan, tokens, run));
    }
    step("decode, one sequence");
    const alone = await decode(service, plan, 1, run);
    rows.push(alone);
    step(`decode, ${plan.together} sequences`);
    const together = await decode(service, plan, plan.together, run);
    rows.push({ ...together, overOneSequence: rate(together) / Math.max(rate(alone), 0.001) });
    return rows;
  };
}

const rate = (row: BenchRow) => (typeof row["tokensPerSecond"] === "number" ? row["tokensPerSecond"] : 0);

async function answer(service: Service, tokens: number, maxTokens: number, run: SuiteRun): Promise<TurnFigures> {
  throwIfAborted(run.signal);
  const running = service.generate({
    // No two texts share a prefix: the prefix cache has no part in this.
    prompt: benchText(randomUUID().slice(0, 8), tokens),
    raw: true,
    sampling: { temperature: 0, maxTokens },
  });
  return (await finishedAnswer(running, run.signal)).figures;
}

async function prefill(service: Service, plan: ThroughputPlan, tokens: number, run: SuiteRun): Promise<BenchRow> {
  const answers: TurnFigures[] = [];
  for (let i = 0; i < plan.repeats; i += 1) answers.push(await answer(service, tokens, 1, run));
  const times = percentiles(answers.map(({ ttftMs }) => ttftMs));
  const read = answers[0]?.prefilledTokens ?? 0;
  return { case: `prefill ${read}`, ...times, tokensPerSecond: (read / times.p50Ms) * 1000 };
}

async function decode(service: Service, plan: ThroughputPlan, sequences: number, run: SuiteRun): Promise<BenchRow> {
  const rates: number[] = [];
  const perToken: number[] = [];
  for (let i = 0; i < plan.repeats; i += 1) {
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: sequences }, () => answer(service, 16, plan.decodeTokens, run)),
    );
    // All prompts are short and read first: what counts is from the last first token to the end.
    const readMs = Math.max(...answers.map(({ ttftMs }) => ttftMs));
    const decodeMs = performance.now() - started - readMs;
    const decoded = answers.reduce((sum, { generatedTokens }) => sum + Math.max(0, generatedTokens - 1), 0);
    rates.push((decoded / decodeMs) * 1000);
    perToken.push(decodeMs / Math.max(1, decoded / sequences));
  }
  const sorted = [...rates].sort((a, b) => a - b);
  return {
    case: sequences === 1 ? "decode, one sequence" : `decode, ${sequences} sequences together`,
    ...percentiles(perToken),
    sequences,
    tokensPerSecond: sorted[Math.floor(sorted.length / 2)] ?? 0,
  };
}
