import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { randomWords } from "./benchText";
import { decodingRuns, overheadRow, type TimedRun, whileListening } from "./deviceRuns";
import { type AnswerPlan, answer } from "./engineAnswers";
import type { EngineProbe } from "./engineProbe";
import { median, percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

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
    const answers = await Promise.all(prompts.map((prompt) => answer(service, { prompt }, plan.timedTokens, signal)));
    const tokens = answers.reduce((sum, { figures }) => sum + figures.generatedTokens, 0);
    return (tokens / (performance.now() - startedMs)) * 1000;
  };
  await rateOf(plan.together);
  for (let i = 0; i < plan.repeats; i += 1) {
    alone.push(await rateOf(1));
    const { value, heard } = await whileListening(probe, () => rateOf(plan.together));
    together.push(value);
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
