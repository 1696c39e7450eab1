import type { ChatSnapshot, ChatUpdate } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import type { TurnId } from "../../protocol/service";
import { withProgress, withText } from "../shared/turnUpdates";

/** What the page knows. `stale`: an update did not fit, a new snapshot has to be asked for. */
export interface ChatState {
  readonly snapshot: ChatSnapshot | undefined;
  readonly stale: boolean;
}

export const emptyChat: ChatState = { snapshot: undefined, stale: false };

export function reduceChat(state: ChatState, update: ChatUpdate): ChatState {
  if (update.type === "snapshot") return { snapshot: update.snapshot, stale: false };
  const { snapshot } = state;
  if (!snapshot) return state; // the snapshot that is on its way has it
  const next = (change: Partial<ChatSnapshot>): ChatState => ({ ...state, snapshot: { ...snapshot, ...change } });
  switch (update.type) {
    case "agent": {
      const { readOnly: _, ...rest } = snapshot;
      const { agent, system = snapshot.system, readOnly } = update;
      return { ...state, snapshot: { ...rest, agent, system, ...(readOnly ? { readOnly } : {}) } };
    }
    case "branch":
      return next(update.branch);
    case "turn":
      return next({ turns: placed(snapshot.turns, update.turn) });
    case "progress":
      return next({ turns: changed(snapshot.turns, update.turn, (turn) => withProgress(turn, update.progress)) });
    case "text": {
      const turn = snapshot.turns.find(({ id }) => id === update.turn);
      const grown = turn && withText(turn, update.delta);
      return grown ? next({ turns: placed(snapshot.turns, grown) }) : { ...state, stale: true };
    }
    case "engine":
      return next({ engine: update.engine });
    case "selection": {
      const { selection: _, ...rest } = snapshot;
      const { selection } = update;
      return { ...state, snapshot: { ...rest, ...(selection ? { selection } : {}) } };
    }
    case "draft":
    case "draftSize":
    case "refused":
      return state; // the message field has them, not the state
  }
}

function placed(turns: readonly PageTurn[], turn: PageTurn): readonly PageTurn[] {
  return turns.some(({ id }) => id === turn.id) ? changed(turns, turn.id, () => turn) : [...turns, turn];
}

function changed(turns: readonly PageTurn[], id: TurnId, change: (turn: PageTurn) => PageTurn): readonly PageTurn[] {
  return turns.map((turn) => (turn.id === id ? change(turn) : turn));
}
