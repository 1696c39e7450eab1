import { answerBudget, assertNotBlank } from "../agents/answerBudget";
import { answerGrammar } from "../agents/answerGrammar";
import { finishReasonOf, followAnswer } from "../agents/answerStream";
import { limitsOf } from "../agents/localAnswers";
import type { ModelAccess, ModelSession } from "../agents/ports";
import { RunningAnswer } from "../agents/runningAnswer";
import { resolveSampling, toSamplingParams } from "../agents/sampling";
import { noFigures } from "../agents/turnTree";
import { Wait } from "../agents/wait";
import { AbortedError, throwIfAborted } from "../common/errors";
import { userInput } from "../common/messages";
import type { Clock } from "../engine/ports";
import type { GenerateRequest, Running, SamplingOptions } from "../protocol/service";
import type { BuiltPrompt } from "../text/prompt";
import { answerTools } from "../text/tools/modelConstraint";

export interface GenerateOptions {
  readonly models: ModelAccess;
  readonly clock: Clock;
  readonly modelDirectory: string;
  /** The sampling of the user's settings. */
  readonly settings: SamplingOptions;
}

/** Answers one prompt without an agent. Its cache stays findable in the pool until the blocks are needed. */
export function startGeneration(id: string, request: GenerateRequest, options: GenerateOptions): Running {
  const answer = new RunningAnswer(id);
  void run(answer, request, options).catch((error: unknown) => {
    if (!(error instanceof AbortedError && answer.signal.aborted)) return answer.fail(error);
    answer.finish({ type: "done", text: "", tokenIds: [], finishReason: "aborted", figures: noFigures });
  });
  return answer;
}

async function run(answer: RunningAnswer, request: GenerateRequest, options: GenerateOptions): Promise<void> {
  assertNotBlank(request.prompt);
  const wait = new Wait(options.clock);
  wait.beginLease(options.models, options.modelDirectory);
  const lease = await options.models.lease(options.modelDirectory, answer.signal, (reason) =>
    answer.emit({ type: "waitingModel", reason }),
  );
  try {
    wait.endLease();
    await generate(answer, request, lease.session, options, wait);
  } finally {
    lease.release();
  }
}

async function generate(
  answer: RunningAnswer,
  request: GenerateRequest,
  session: ModelSession,
  { clock, settings }: GenerateOptions,
  wait: Wait,
): Promise<void> {
  const sampling = resolveSampling({ request: request.sampling, settings, model: session.sampling });
  const built = await buildPrompt(request, session, answer.signal);
  const maxTokens = answerBudget(built.ids.length, sampling.maxTokens, limitsOf(session), 0);
  const { grammar } = await answerGrammar(session, request, built.ids);
  throwIfAborted(answer.signal);
  const generation = session.engine.submit({
    owner: "",
    tokens: built.ids,
    sampling: toSamplingParams(sampling),
    stopIds: session.text.stopIds,
    maxTokens,
    ...(grammar === undefined ? {} : { grammar }),
    ...(request.promptLookup === undefined ? {} : { promptLookup: request.promptLookup }),
  });
  const abort = () => generation.abort();
  answer.signal.addEventListener("abort", abort);
  try {
    const decoder = session.text.startAnswer(sampling.stop ?? [], built.ids, answerTools(request));
    const waited = wait.submitted();
    const cacheFigures = (reusedTokens: number) => ({
      ...waited,
      restoreMs: 0,
      cache: { tier: reusedTokens > 0 ? "hot" : "cold" } as const,
    });
    const { result, ...said } = await followAnswer(generation, decoder, clock, cacheFigures, answer);
    result.blocks.release();
    answer.finish({ type: "done", ...said, tokenIds: result.tokenIds, finishReason: finishReasonOf(result, said) });
  } finally {
    answer.signal.removeEventListener("abort", abort);
  }
}

function buildPrompt(
  { prompt, raw, system = "", thinking, tools }: GenerateRequest,
  { text }: ModelSession,
  signal: AbortSignal,
): Promise<BuiltPrompt> {
  if (raw === true) return text.prompts.raw(prompt, signal);
  const frame = { system, ...(thinking && { thinking }), ...(tools && { tools }) };
  return text.prompts.buildAfter({ ...frame, past: undefined, input: userInput(prompt) }, signal);
}
