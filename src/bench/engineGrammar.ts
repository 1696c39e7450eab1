import type { BenchRow, ResidentService } from "../protocol/service";
import { type AnswerPlan, answer } from "./engineAnswers";
import { median, percentiles } from "./statistics";

/** Few answers of this form end soon: lists of texts in a list. */
const schema = { type: "array", items: { type: "array", items: { type: "string" } } };

/**
 * The part of a constrained answer's decode time that its grammar takes. Free and constrained answers in turn, behind the
 * same prompts, without guesses.
 */
export async function grammarRow(
  service: Pick<ResidentService, "generate">,
  plan: Pick<AnswerPlan, "repeats" | "answerTokens">,
  signal: AbortSignal,
): Promise<BenchRow> {
  const shares: number[] = [];
  const rates = { free: [] as number[], held: [] as number[] };
  const msOfToken = async (prompt: string, held: boolean) => {
    const request = { prompt, raw: false, ...(held ? { jsonSchema: schema } : {}) };
    const { figures } = await answer(service, request, plan.answerTokens, signal);
    (held ? rates.held : rates.free).push(figures.decodeTokensPerSecond);
    return figures.decodeTokensPerSecond > 0 ? 1000 / figures.decodeTokensPerSecond : 0;
  };
  await msOfToken("Names of animals, as lists.", true); // compiles the grammar
  for (let i = 0; i < plan.repeats; i += 1) {
    const freeMs = await msOfToken(`Names of animals ${i}, as lists.`, false);
    const heldMs = await msOfToken(`Names of animals ${i}, as lists.`, true);
    if (heldMs > 0) shares.push(Math.max(0, 1 - freeMs / heldMs));
  }
  return {
    case: "a grammar's part of the decode time",
    ...percentiles([]),
    n: plan.repeats,
    tokensPerSecond: median(rates.held),
    freeTokensPerSecond: median(rates.free),
    share: median(shares),
    mostShare: 0.03,
  };
}
