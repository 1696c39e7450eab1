import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";

export interface TooLongPrompt {
  /** Length of the whole prompt, and of the message in it. */
  readonly promptTokens: number;
  readonly messageTokens: number;
  /** Length of the prompt that the message would have in an empty conversation. */
  readonly alonePromptTokens: number;
  readonly contextTokens: number;
  /** Length of the history, which is kept. */
  readonly keptTokens: number;
}

const { count } = createFormats("en");

/**
 * A message does not fit the context. All facts but `cause` are tokens: `needed`, `context`, `kept`; `message`, the
 * message's length; `room`, the longest message that fits behind this history; `roomAlone`, the longest that fits in an
 * empty conversation. `cause`: "instructions" (with the pinned files they leave no room), "history" (no message fits), "message"
 * (too long for an empty conversation too) or "room".
 */
export function contextFull({
  promptTokens,
  messageTokens: message,
  alonePromptTokens,
  contextTokens: context,
  keptTokens: kept,
}: TooLongPrompt): ResidentError {
  // One token of answer must fit behind the prompt.
  const roomBehind = (tokens: number) => Math.max(0, context - 1 - tokens);
  const room = roomBehind(promptTokens - message);
  const roomAlone = roomBehind(alonePromptTokens - message);
  const facts = { needed: promptTokens + 1, context, kept, message, room, roomAlone };
  if (roomAlone === 0) {
    return new ResidentError(
      "CONTEXT_FULL",
      `instructions and pinned files fill the model's context of ${count(context)} tokens: there is no room for a message`,
      "pin fewer files, or shorten the instructions",
      { ...facts, cause: "instructions" },
    );
  }
  if (message > roomAlone) {
    return new ResidentError(
      "CONTEXT_FULL",
      `the message is ${count(message)} tokens long: the model's context of ${count(context)} has room for ${count(roomAlone)}, even in an empty conversation`,
      "shorten the message",
      { ...facts, cause: "message" },
    );
  }
  if (room === 0) {
    return new ResidentError(
      "CONTEXT_FULL",
      `the conversation fills the model's context of ${count(context)} tokens: there is no room for another message`,
      "rewind to an earlier turn, keep the last turns only, or start a new agent",
      { ...facts, cause: "history" },
    );
  }
  return new ResidentError(
    "CONTEXT_FULL",
    `the message is ${count(message)} tokens long: behind this conversation the model's context of ${count(context)} has room for ${count(room)}`,
    "shorten the message, rewind to an earlier turn, keep the last turns only, or start a new agent",
    { ...facts, cause: "room" },
  );
}

/** A cut answer has no room to continue. `facts` as above, without those of a message; `cause` is "answer". */
export function noRoomToGoOn(promptTokens: number, contextTokens: number): ResidentError {
  return new ResidentError(
    "CONTEXT_FULL",
    `the answer ends where the model's context of ${count(contextTokens)} tokens ends: it cannot go on`,
    "rewind to an earlier turn, keep the last turns only, or start a new agent",
    { needed: promptTokens + 1, context: contextTokens, kept: promptTokens, room: 0, cause: "answer" },
  );
}
