import { throwIfAborted } from "../common/errors";
import type { ResidentService, TurnFigures } from "../protocol/service";
import { usual } from "./benchSampling";
import { randomWords } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";
import type { Sample, Workload } from "./peers";

type Service = Pick<ResidentService, "generate">;

/** After so many exchanges of prompts, answers that end early count too. */
const mostExchanges = 40;

export interface OwnRun {
  /** Tokens of the prompts. */
  readonly promptTokens: number;
  readonly samples: readonly Sample[];
}

/** Runs a workload through the service, sampled as people's answers are. */
export async function measureOwn(service: Service, workload: Workload, signal: AbortSignal): Promise<OwnRun> {
  const { measure, promptTokens, decodeTokens, sequences, repeats, budgetMs } = workload;
  const answer = (prompt: string, maxTokens: number) => {
    throwIfAborted(signal);
    const running = service.generate({
      prompt,
      raw: true,
      promptLookup: false,
      sampling: usual(maxTokens),
    });
    return finishedAnswer(running, signal);
  };
  const figuresOf = async (prompt: string) => (await answer(prompt, decodeTokens + 1)).figures;
  // The first steps fetch the weights into memory.
  await answer(randomWords(4), 4);
  const drawn = () => Array.from({ length: sequences }, () => randomWords(promptTokens));
  let prompts = drawn();
  let readTokens = 0;
  let exchanges = 0;
  const samples: Sample[] = [];
  const startedMs = performance.now();
  do {
    const repeatMs = performance.now();
    const answers = await Promise.all(prompts.map(figuresOf));
    readTokens = answers[0]?.promptTokens ?? 0;
    const sample = sampleOf(measure, answers, performance.now() - repeatMs);
    // Prefill reads new prompts. Decode uses the same prompts again, whose blocks are in the pool after the first time,
    // except those whose answer ended early: the number of answers that run together decides how fast they are.
    const isFull = answers.map(({ generatedTokens }) => generatedTokens > decodeTokens);
    const mayCount = measure === "prefill" || isFull.every(Boolean) || exchanges === mostExchanges;
    if (sample !== undefined && mayCount) samples.push(sample);
    if (!mayCount) exchanges += 1;
    prompts = prompts.map((prompt, i) => (measure === "decode" && isFull[i] ? prompt : randomWords(promptTokens)));
  } while (samples.length < repeats && performance.now() - startedMs < budgetMs);
  if (samples.length === 0) throw new Error("the model ends every answer at once: there is no decode to measure");
  return { promptTokens: readTokens, samples };
}

/** `undefined` where no token followed the first one. */
function sampleOf(measure: Workload["measure"], answers: readonly TurnFigures[], wallMs: number): Sample | undefined {
  const [first] = answers;
  if (first === undefined) return undefined;
  if (measure === "prefill") return { tokens: first.prefilledTokens, ms: first.ttftMs };
  const tokens = answers.reduce((sum, { generatedTokens }) => sum + Math.max(0, generatedTokens - 1), 0);
  if (tokens === 0) return undefined;
  if (answers.length === 1) return { tokens, ms: (tokens / first.decodeTokensPerSecond) * 1000 };
  // All prompts are short and are read first: the time from the last first token to the end counts.
  return { tokens, ms: wallMs - Math.max(...answers.map(({ ttftMs }) => ttftMs)) };
}
