import { assertNotBlank } from "../agents/answerBudget";
import { endUnanswered } from "../agents/endUnanswered";
import { ModelAnswer } from "../agents/modelAnswer";
import type { ModelAccess, ModelSession } from "../agents/ports";
import { RunningAnswer } from "../agents/runningAnswer";
import { resolveSampling } from "../agents/sampling";
import { Wait } from "../agents/wait";
import { userInput } from "../common/messages";
import type { Clock } from "../engine/ports";
import type { GenerateRequest, Running, SamplingOptions } from "../protocol/service";
import type { BuiltPrompt } from "../text/prompt";

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
  void run(answer, request, options).catch((error: unknown) => endUnanswered(answer, error));
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
  const { promptLookup } = request;
  const modelAnswer = new ModelAnswer(session, {
    ...{ ids: built.ids, sampling, constrained: request, signal: answer.signal, clock, wait },
  });
  const { blocks, ...answered } = await modelAnswer.follow({
    submit: (asked) =>
      session.engine.submit({ ...asked, owner: "", ...(promptLookup === undefined ? {} : { promptLookup }) }),
    figures: (reusedTokens) => ({ restoreMs: 0, cache: { tier: reusedTokens > 0 ? "hot" : "cold" } }),
    listener: answer,
  });
  blocks.release();
  answer.finish({ type: "done", ...answered });
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
