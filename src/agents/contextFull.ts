import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";

export interface TooLongPrompt {
  /** Of the whole prompt, and of the message in it. */
  readonly promptTokens: number;
  readonly messageTokens: number;
  /** Of the prompt that the message would have in an empty conversation. */
  readonly alonePromptTokens: number;
  readonly contextTokens: number;
  /** Of the history, which stays as it is. */
  readonly keptTokens: number;
}

const { count } = createFormats("en");

/**
 * A message does not fit the context. `facts`: needed, context, kept; message, its tokens; room, what a message may have
 * behind this history; roomAlone, what it may have in an empty conversation; cause: "history" where there is no room at
 * all, "message" where the message is too long for an empty conversation too, "room" otherwise.
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

/** An answer that was cut has no room to go on. `facts` as above without the message's; cause: "answer". */
export function noRoomToGoOn(promptTokens: number, contextTokens: number): ResidentError {
  return new ResidentError(
    "CONTEXT_FULL",
    `the answer ends where the model's context of ${count(contextTokens)} tokens ends: it cannot go on`,
    "rewind to an earlier turn, keep the last turns only, or start a new agent",
    { needed: promptTokens + 1, context: contextTokens, kept: promptTokens, room: 0, cause: "answer" },
  );
}
