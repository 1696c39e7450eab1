import type { RoomMessage } from "../../protocol/room";

/**
 * The room's messages as the last window left them. Only this extension writes them, so their shape is checked to the
 * depth that a version of our own could have changed; an answer that was running then was interrupted.
 */
export function readMessages(stored: unknown): readonly RoomMessage[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter(isMessage).map((message) => ({
    ...message,
    answers: message.answers
      .filter(({ turn, refusal }) => turn || refusal)
      .map((answer) =>
        answer.turn?.state === "running"
          ? { ...answer, turn: { ...answer.turn, state: "interrupted" as const } }
          : answer,
      ),
  }));
}

function isMessage(value: unknown): value is RoomMessage {
  return (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    typeof value.id === "string" &&
    "text" in value &&
    typeof value.text === "string" &&
    "to" in value &&
    "askedAt" in value &&
    typeof value.askedAt === "number" &&
    "answers" in value &&
    Array.isArray(value.answers)
  );
}
