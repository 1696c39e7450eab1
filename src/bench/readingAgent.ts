import { throwIfAborted } from "../common/errors";
import type { AgentId, ResidentService, TurnFigures } from "../protocol/service";
import { usual } from "./benchSampling";
import { benchText } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";

export type AgentService = Pick<ResidentService, "createAgent" | "deleteAgent" | "saveAgent" | "send" | "warmAgent">;

export interface ReadingAgent {
  readonly id: AgentId;
  /** A turn with a short question and an answer of two tokens. */
  ask(): Promise<TurnFigures>;
  /** The question is read before it is sent, as in a chat in which a person types. */
  write(): Promise<void>;
  /** Waits until the agent is neither saved nor read ahead. */
  rest(): Promise<void>;
}

const question = "In one word, what does the first note speak of?";

/**
 * Runs `body` with an agent that has about `tokens` tokens of text before its first turn. No cache holds any of them. The
 * agent is deleted afterwards.
 */
export async function withReadingAgent<T>(
  service: AgentService,
  tokens: number,
  signal: AbortSignal,
  body: (agent: ReadingAgent) => Promise<T>,
): Promise<T> {
  const name = `bench ${tokens} ${Date.now()}`;
  const { id } = await service.createAgent({ name, system: benchText(name, tokens), allowUnreadable: true });
  const ask = async () => {
    throwIfAborted(signal);
    const running = await service.send(id, { text: question, sampling: usual(2) });
    return (await finishedAnswer(running, signal)).figures;
  };
  try {
    return await body({
      id,
      ask,
      write: async () => void (await service.warmAgent(id, question)),
      rest: async () => {
        await service.saveAgent(id);
        await service.warmAgent(id);
      },
    });
  } finally {
    await service.deleteAgent(id);
  }
}
