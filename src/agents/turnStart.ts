import type { ChatMessage } from "../common/messages";
import type { TurnId } from "../protocol/service";
import { openCopyOf } from "./continuing";
import type { LiveAgent } from "./liveAgent";
import type { Turn } from "./turnTree";

/** How a turn is prepared before its answer runs. */
export interface TurnStart {
  /** Whether a cut answer is continued: in its own turn or in a copy of it. */
  readonly goesOn: "no" | "same" | "copy";
  readonly again?: boolean;
  /** Adds the turn at once and makes it the head, on disk when it resolves. Rejects with nothing changed where that fails. */
  readonly commit: (agent: LiveAgent, id: TurnId, at: number) => Promise<void>;
}

export function newTurn(parent: TurnId | undefined, input: readonly ChatMessage[]): TurnStart {
  return { goesOn: "no", commit: (agent, id, at) => agent.addTurn(id, parent, input, at) };
}

export function openCopy(turn: Turn): TurnStart {
  return { goesOn: "copy", commit: (agent, id, at) => agent.addCopy(openCopyOf(turn, id, at), id, at) };
}

/** The turn is on disk already. */
export const sameTurn: TurnStart = {
  goesOn: "same",
  commit: async (agent, _id, at) => agent.writer.change({ lastUsedAt: at }),
};
