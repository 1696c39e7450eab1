import { AbortedError } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import { hostOf } from "../common/modelLabel";
import { bug } from "../engine/invariant";
import type { Clock } from "../engine/ports";
import type { AgentServer, SamplingOptions } from "../protocol/service";
import { readableThought } from "../text/thinkingMarks";
import { storedSampling } from "./agentSampling";
import type { AnswerEngine, Answered, AnswerSink, AskedAnswer } from "./answerEngine";
import { chosenSampling } from "./sampling";
import { ServerFigures } from "./serverFigures";
import { type ServerQuestion, type Servers, storedServer } from "./serverPort";
import { ServerSaid } from "./serverSaid";

export interface ServerAnswersOptions {
  readonly servers: Servers;
  readonly clock: Clock;
  /** The user's settings for answers at the moment. */
  readonly settings: () => SamplingOptions;
}

/** Answers with a server: keeps texts, and believes the server's figures. */
export class ServerAnswers implements AnswerEngine {
  constructor(private readonly options: ServerAnswersOptions) {}

  async answer(asked: AskedAnswer, sink: AnswerSink): Promise<void> {
    await sink.finish(await this.answered(asked, sink));
  }

  private async answered(asked: AskedAnswer, sink: AnswerSink): Promise<Answered> {
    const { agent, signal, committed, wait } = asked;
    const server = storedServer(agent.writer.manifest);
    if (server === undefined) throw bug("a server answers an agent that has none", { agent: agent.id });
    const said = new ServerSaid(sink, new ServerFigures(this.options.clock, wait));
    sink.emit({ type: "waitingModel", reason: `${hostOf(server.address)} reads the conversation` });
    try {
      const answer = await this.options.servers.answer(this.question(server, asked), signal, (piece) =>
        said.take(piece),
      );
      await committed;
      return said.end(answer);
    } catch (error) {
      await committed;
      said.closeThought();
      // A continued answer of which nothing more came keeps the figures that it had before.
      const hasOwnFigures = said.hasBegun || !asked.goesOn;
      if (error instanceof AbortedError && signal.aborted && hasOwnFigures) return said.stopped();
      throw error;
    }
  }

  private question(
    server: AgentServer,
    { agent, turn, request, toolMode, jsonSchema, goesOn }: AskedAnswer,
  ): ServerQuestion {
    const { manifest } = agent.writer;
    const { system, tools = [], thinking } = agent.frame;
    const said = agent.conversation.messages(turn, goesOn).map(withoutMarks);
    return {
      server,
      messages: system === "" ? said : [{ role: "system", content: system }, ...said],
      tools,
      ...(jsonSchema === undefined ? { toolMode } : { toolMode: "none", jsonSchema }),
      sampling: chosenSampling({ request, agent: storedSampling(manifest), settings: this.options.settings() }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
    };
  }
}

function withoutMarks(message: ChatMessage): ChatMessage {
  return message.role !== "assistant" || message.thought === undefined
    ? message
    : { ...message, thought: readableThought(message.thought) };
}
