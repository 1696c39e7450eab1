import type { RoomAnswer, RoomMessage, RoomMessageId, RoomSnapshot, RoomUpdate } from "../../protocol/room";
import type { AgentId } from "../../protocol/service";
import { withProgress, withText } from "../shared/turnUpdates";

/** What the page knows. `stale`: an update did not fit, a new snapshot has to be asked for. */
export interface RoomState {
  readonly snapshot: RoomSnapshot | undefined;
  readonly stale: boolean;
}

export const emptyRoom: RoomState = { snapshot: undefined, stale: false };

export function reduceRoom(state: RoomState, update: RoomUpdate): RoomState {
  if (update.type === "snapshot") return { snapshot: update.snapshot, stale: false };
  const { snapshot } = state;
  if (!snapshot) return state; // the snapshot that is on its way has it
  const next = (change: Partial<RoomSnapshot>): RoomState => ({ ...state, snapshot: { ...snapshot, ...change } });
  const withAnswer = (message: RoomMessageId, agent: AgentId, change: (answer: RoomAnswer) => RoomAnswer) =>
    next({ messages: changedAnswer(snapshot.messages, message, agent, change) });
  switch (update.type) {
    case "attachments":
      return next({ attachments: update.attachments });
    case "selection": {
      const { selection: _, ...rest } = snapshot;
      return { ...state, snapshot: update.selection ? { ...rest, selection: update.selection } : rest };
    }
    case "engine":
      return next({ engine: update.engine });
    case "members":
      return next({ members: update.members });
    case "message":
      return next({ messages: placed(snapshot.messages, update.message) });
    case "answer":
      return withAnswer(update.message, update.answer.agent, () => update.answer);
    case "progress":
      return withAnswer(update.message, update.agent, (answer) =>
        answer.turn ? { ...answer, turn: withProgress(answer.turn, update.progress) } : answer,
      );
    case "text": {
      const turn = findAnswer(snapshot, update.message, update.agent)?.turn;
      const grown = turn && withText(turn, update.delta);
      if (!grown) return { ...state, stale: true };
      return withAnswer(update.message, update.agent, (answer) => ({ ...answer, turn: grown }));
    }
  }
}

/** Folds at once; the host keeps it for the next page. */
export function fold(state: RoomState, message: RoomMessageId, agent: AgentId, folded: boolean): RoomState {
  const answer = state.snapshot && findAnswer(state.snapshot, message, agent);
  return answer ? reduceRoom(state, { type: "answer", message, answer: { ...answer, folded } }) : state;
}

function findAnswer({ messages }: RoomSnapshot, message: RoomMessageId, agent: AgentId): RoomAnswer | undefined {
  return messages.find(({ id }) => id === message)?.answers.find((answer) => answer.agent === agent);
}

function placed(messages: readonly RoomMessage[], message: RoomMessage): readonly RoomMessage[] {
  const known = messages.some(({ id }) => id === message.id);
  return known ? messages.map((old) => (old.id === message.id ? message : old)) : [...messages, message];
}

function changedAnswer(
  messages: readonly RoomMessage[],
  id: RoomMessageId,
  agent: AgentId,
  change: (answer: RoomAnswer) => RoomAnswer,
): readonly RoomMessage[] {
  return messages.map((message) => {
    if (message.id !== id) return message;
    const answers = message.answers.map((answer) => (answer.agent === agent ? change(answer) : answer));
    return { ...message, answers };
  });
}
