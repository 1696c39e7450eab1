import { assertNotBlank } from "../agents/answerBudget";
import { endUnanswered } from "../agents/endUnanswered";
import { RunningAnswer } from "../agents/runningAnswer";
import { chosenSampling } from "../agents/sampling";
import { ServerFigures } from "../agents/serverFigures";
import type { Servers } from "../agents/serverPort";
import { ServerSaid } from "../agents/serverSaid";
import { Wait } from "../agents/wait";
import { AbortedError, InvalidRequestError } from "../common/errors";
import { type ChatMessage, userInput } from "../common/messages";
import { hostOf } from "../common/modelLabel";
import type { Clock } from "../engine/ports";
import type { AgentServer, GenerateRequest, Running, SamplingOptions } from "../protocol/service";

export interface ServerGenerationOptions {
  readonly servers: Servers;
  readonly clock: Clock;
  /** The sampling of the user's settings. */
  readonly settings: SamplingOptions;
}

/** Lets a server answer one prompt without an agent. */
export function startServerGeneration(
  id: string,
  server: AgentServer,
  request: GenerateRequest,
  options: ServerGenerationOptions,
): Running {
  const answer = new RunningAnswer(id);
  void run(answer, server, request, options).catch((error: unknown) => endUnanswered(answer, error));
  return answer;
}

async function run(
  answer: RunningAnswer,
  server: AgentServer,
  { prompt, raw, system = "", tools = [], toolMode = "auto", jsonSchema, thinking, sampling }: GenerateRequest,
  { servers, clock, settings }: ServerGenerationOptions,
): Promise<void> {
  assertNotBlank(prompt);
  if (raw === true) {
    throw new InvalidRequestError("a server answers messages, not raw text", "leave out raw, or the server", {});
  }
  const sink = { emit: answer.emit.bind(answer), add: () => {} };
  const said = new ServerSaid(sink, new ServerFigures(clock, new Wait(clock)));
  const head: readonly ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
  const question = {
    ...{ server, messages: [...head, ...userInput(prompt)], tools, toolMode },
    sampling: chosenSampling({ request: sampling, settings }),
    ...(thinking === undefined ? {} : { thinking }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
  };
  answer.emit({ type: "waitingModel", reason: `${hostOf(server.address)} reads the prompt` });
  try {
    const answered = said.end(await servers.answer(question, answer.signal, (piece) => said.take(piece)));
    answer.finish({ type: "done", ...answered });
  } catch (error) {
    if (!(error instanceof AbortedError && answer.signal.aborted && said.hasBegun)) throw error;
    answer.finish({ type: "done", ...said.stopped() });
  }
}
