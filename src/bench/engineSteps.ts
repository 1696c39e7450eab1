import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { randomWords } from "./benchText";
import { decodingRuns, overheadRow, type TimedRun, tokensPerSecondOf, whileListening } from "./deviceRuns";
import { type AnswerPlan, answer } from "./engineAnswers";
import type { EngineProbe } from "./engineProbe";
import { percentiles } from "./statistics";

type Service = Pick<ResidentService, "generate">;

/** After so many exchanges of prompts, runs with an answer that ends early count too. */
const mostExchanges = 40;

/** Several answers at the same time: the host's share of their time, and their tokens per second against one alone. */
export async function togetherRows(
  service: Service,
  plan: AnswerPlan,
  probe: Pick<EngineProbe, "onRun">,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const alone: TimedRun[] = [];
  const together: TimedRun[] = [];
  let prompts: readonly string[] = Array.from({ length: plan.together }, () => randomWords(16));
  // Steps take longer with longer contexts: only answers of full length are compared, and prompts whose answer ends
  // early are exchanged. Only runs in which all sequences decode are counted.
  const runsOf = async (count: number): Promise<readonly TimedRun[]> => {
    for (let exchanges = 0; ; exchanges += 1) {
      throwIfAborted(signal);
      const { value, heard } = await whileListening(probe, () =>
        Promise.all(prompts.slice(0, count).map((prompt) => answer(service, { prompt }, plan.timedTokens, signal))),
      );
      const isShort = value.map(({ figures }) => figures.generatedTokens < plan.timedTokens);
      if (exchanges === mostExchanges || !isShort.includes(true)) return decodingRuns(heard, count);
      prompts = prompts.map((prompt, i) => (isShort[i] === true ? randomWords(16) : prompt));
    }
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
