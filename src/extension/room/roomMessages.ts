import type { RoomMessage } from "../../protocol/room";

/** Messages that the room shows and keeps, newest last. */
const maxMessages = 30;

/** Of the messages that are kept with the workspace, as JSON. VS Code loads all of it whenever a window opens. */
const maxKeptCharacters = 250_000;

export function newestMessages(messages: readonly RoomMessage[]): readonly RoomMessage[] {
  return messages.slice(-maxMessages);
}

/** The newest messages that are short enough together to be kept with the workspace; the newest one always is. */
export function keptMessages(messages: readonly RoomMessage[]): readonly RoomMessage[] {
  const newestFirst = [...messages].reverse();
  let left = maxKeptCharacters;
  const end = newestFirst.findIndex((message, at) => {
    left -= JSON.stringify(message).length;
    return left < 0 && at > 0;
  });
  return newestFirst.slice(0, end < 0 ? undefined : end).reverse();
}

/**
 * The room's messages as the last window left them. Only this extension writes them, so their shape is checked only as
 * deep as another version of it could have changed it. An answer that was running then was interrupted.
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
