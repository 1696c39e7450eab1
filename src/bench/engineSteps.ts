import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { randomWords } from "./benchText";
import { decodingRuns, overheadRow, type TimedRun, tokensPerSecondOf, whileListening } from "./deviceRuns";
import { type AnswerPlan, answer } from "./engineAnswers";
import type { EngineProbe } from "./engineProbe";
import { percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

/** Several answers at the same time: what the host costs them, and their tokens a second against one's alone. */
export async function togetherRows(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "onRun">,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const alone: TimedRun[] = [];
  const together: TimedRun[] = [];
  // Answers end where they end: only runs in which all still decode are counted.
  const runsOf = async (count: number) => {
    throwIfAborted(signal);
    const prompts = Array.from({ length: count }, () => randomWords(16));
    const { heard } = await whileListening(probe, () =>
      Promise.all(prompts.map((prompt) => answer(service, { prompt }, plan.timedTokens, signal))),
    );
    return decodingRuns(heard, count);
  };
  await runsOf(plan.together);
  for (let i = 0; i < plan.repeats; i += 1) {
    alone.push(...(await runsOf(1)));
    together.push(...(await runsOf(plan.together)));
  }
  const tokensPerSecond = tokensPerSecondOf(together);
  const aloneTokensPerSecond = tokensPerSecondOf(alone);
  return [
    {
      case: `${plan.together} answers together against one alone`,
      ...percentiles(together.map((run) => run.wallMs / run.steps)),
      tokensPerSecond,
      aloneTokensPerSecond,
      ratio: tokensPerSecond / Math.max(aloneTokensPerSecond, 0.001),
    },
    overheadRow(together, plan.together),
  ];
}
