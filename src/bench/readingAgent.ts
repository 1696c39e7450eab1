import { throwIfAborted } from "../common/errors";
import type { ResidentService, TurnFigures } from "../protocol/service";
import { usual } from "./benchSampling";
import { benchText } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";

export type AgentService = Pick<ResidentService, "createAgent" | "deleteAgent" | "saveAgent" | "send" | "warmAgent">;

export interface ReadingAgent {
  /** A turn with a short question and an answer of two tokens. */
  ask(): Promise<TurnFigures>;
  /** The question is there to be read before it is asked, as it is in a chat whose message is written by hand. */
  write(): Promise<void>;
  /** Until nothing of it is being saved or read ahead any more. */
  rest(): Promise<void>;
}

const question = "In one word, what does the first note speak of?";

/**
 * An agent with about `tokens` tokens of text before its first turn, of which nothing is in any cache, for as long as
 * `body` goes on.
 */
export async function withReadingAgent<T>(
  service: AgentService,
  tokens: number,
  signal: AbortSignal,
  body: (agent: ReadingAgent) => Promise<T>,
): Promise<T> {
  const name = `bench ${tokens} ${Date.now()}`;
  const { id } = await service.createAgent({ name, system: benchText(name, tokens), besideUnreadable: true });
  const ask = async () => {
    throwIfAborted(signal);
    const running = await service.send(id, { text: question, sampling: usual(2) });
    return (await finishedAnswer(running, signal)).figures;
  };
  try {
    return await body({
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
