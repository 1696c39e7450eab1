import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { greedy } from "./benchSampling";
import { type Comparison, compareAnswers, type OwnAnswer } from "./exp005Compare";
import type { ReferencePrompt } from "./exp005Prompts";
import { finishedAnswer } from "./finishedAnswer";
import type { ReferenceRun, RunReference } from "./reference";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface Exp005Plan {
  readonly prompts: readonly ReferencePrompt[];
  /** The number of prompts that must be answered identically, without a tie. */
  readonly neededIdentical: number;
}

type Service = Pick<ResidentService, "generate" | "loadModel">;

interface TimedAnswer extends OwnAnswer {
  readonly ms: number;
}

/**
 * EXP-005: the same greedy answers as mlx_lm on the same model directory, token by token and byte by byte. Both run
 * at the same time; the times are those of our answers and cannot be compared with other runs.
 */
export function exp005Suite(service: Service, runReference: RunReference, plan: Exp005Plan): Suite {
  return async ({ onProgress, signal }) => {
    throwIfAborted(signal);
    const { prompts } = plan;
    const done = { ours: 0, reference: 0 };
    const tell = (message: string) =>
      onProgress({ done: done.ours + done.reference, total: 2 * prompts.length, unit: "runs", message });
    const model = await service.loadModel(signal);
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal.addEventListener("abort", abort, { once: true });
    const onAnswered = (answered: number) => {
      done.reference = answered;
      tell(`mlx_lm has answered ${answered} prompts`);
    };
    const onAnswer = (answered: number) => {
      done.ours = answered;
      tell(`Resident has answered ${answered} prompts`);
    };
    const sides = [
      runReference({ model: model.directory, prompts }, { onAnswered, signal: stop.signal }),
      answerAll(service, prompts, onAnswer, stop.signal),
    ] as const;
    try {
      const [reference, ours] = await Promise.all(sides);
      throwIfAborted(signal);
      return rowsOf(plan, ours, reference);
    } finally {
      // If one side fails, the other is stopped.
      abort();
      signal.removeEventListener("abort", abort);
      await Promise.allSettled(sides);
    }
  };
}

async function answerAll(
  service: Service,
  prompts: readonly ReferencePrompt[],
  onAnswer: (answered: number) => void,
  signal: AbortSignal,
): Promise<readonly TimedAnswer[]> {
  const answers: TimedAnswer[] = [];
  for (const { text, kind, maxTokens } of prompts) {
    throwIfAborted(signal);
    const started = performance.now();
    const running = service.generate({ prompt: text, raw: kind === "raw", sampling: greedy(maxTokens) });
    const { figures, tokenIds, finishReason, text: answer } = await finishedAnswer(running, signal);
    const ms = performance.now() - started;
    answers.push({ promptTokens: figures.promptTokens, tokenIds, finishReason, text: answer, ms });
    onAnswer(answers.length);
  }
  return answers;
}

function rowsOf(
  plan: Exp005Plan,
  ours: readonly TimedAnswer[],
  { versions, answers }: ReferenceRun,
): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  const outcomes = { identical: 0, tie: 0, different: 0 };
  for (const [i, prompt] of plan.prompts.entries()) {
    const [own, reference] = [ours[i], answers[i]];
    if (own === undefined || reference?.name !== prompt.name) {
      throw new Error(`the reference did not answer "${prompt.name}"`);
    }
    const comparison = compareAnswers(own, reference);
    outcomes[comparison.outcome] += 1;
    const { kind, name } = prompt;
    rows.push({ case: name, ...percentiles([own.ms]), kind, promptTokens: own.promptTokens, ...columnsOf(comparison) });
  }
  const enough = outcomes.identical >= plan.neededIdentical;
  rows.push({
    case: `all ${rows.length} prompts`,
    ...percentiles(ours.map(({ ms }) => ms)),
    identical: enough && outcomes.different === 0,
    identicalPrompts: outcomes.identical,
    ties: outcomes.tie,
    differentPrompts: outcomes.different,
    neededIdentical: plan.neededIdentical,
    reference: versions,
  });
  return rows;
}

function columnsOf(comparison: Comparison) {
  const { outcome, tokens } = comparison;
  if (outcome === "different") return { identical: false, tokens, reason: comparison.reason };
  return { identical: outcome === "tie" ? "tie" : true, tokens, smallestGap: comparison.smallestGap };
}
