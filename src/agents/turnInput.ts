/** What a turn of the tree answers: a message of the person, or what the calls of the answer before it gave. */
import type { Attachment } from "../common/attachments";
import { InvalidRequestError } from "../common/errors";
import type { ChatMessage, ResultMessage } from "../common/messages";
import { notRunText, type ToolCall, type ToolResult } from "../common/tools";
import type { TurnEnd } from "./turnRecords";

/** The text that the person wrote; empty where the turn goes on with results only. */
export function userText(input: readonly ChatMessage[]): string {
  return input
    .filter(({ role }) => role === "user")
    .map(({ content }) => content)
    .join("\n\n");
}

/** What stood before the person's text. */
export function attachmentsOf(input: readonly ChatMessage[]): readonly Attachment[] {
  return input.flatMap((message) => (message.role === "user" ? (message.attachments ?? []) : []));
}

/** The results that the turn goes on with. */
export function resultsOf(input: readonly ChatMessage[]): readonly ToolResult[] {
  return input.filter(isResult).map(({ call, content, failed }) => ({
    ...{ call, text: content },
    ...(failed === true ? { failed } : {}),
  }));
}

/** It goes on with results and nothing that the person wrote: a further step of the turn before it. */
export function isStep({ input }: { readonly input: readonly ChatMessage[] }): boolean {
  return input.length > 0 && input.every(isResult);
}

interface AnsweredTurn {
  readonly end?: TurnEnd;
  readonly calls: readonly ToolCall[];
}

/** The calls of `turn` that no result was given for, as far as `turn` is the end of its branch. */
export function waitingCalls(turn: AnsweredTurn | undefined): readonly ToolCall[] {
  return turn?.end?.state === "done" && turn.end.finishReason === "calls" ? turn.calls : [];
}

/**
 * The results as messages, in the order of the calls. Throws INVALID_REQUEST where results and calls do not fit each
 * other.
 */
export function resultMessages(calls: readonly ToolCall[], results: readonly ToolResult[]): readonly ResultMessage[] {
  const given = givenResults(calls, results);
  return calls.map(({ id, name }) => {
    const result = given.get(id);
    if (result === undefined) {
      throw new InvalidRequestError(`call ${id} of ${name} has no result`, "give a result for each call", { call: id });
    }
    return messageOf(id, name, result.text, result.failed === true);
  });
}

/**
 * The results that are known so far as messages, in the order of the calls, up to the first call that has none: that one
 * stands last, empty. Throws INVALID_REQUEST as `resultMessages` does, but for results that are missing.
 */
export function resultsSoFar(calls: readonly ToolCall[], results: readonly ToolResult[]): readonly ResultMessage[] {
  const given = givenResults(calls, results);
  const next = calls.findIndex(({ id }) => !given.has(id));
  return calls.slice(0, next < 0 ? calls.length : next + 1).map(({ id, name }) => {
    const { text = "", failed = false } = given.get(id) ?? {};
    return messageOf(id, name, text, failed);
  });
}

function givenResults(calls: readonly ToolCall[], results: readonly ToolResult[]): ReadonlyMap<string, ToolResult> {
  const given = new Map(results.map((result) => [result.call, result]));
  const known = new Set(calls.map(({ id }) => id));
  const foreign = results.find(({ call }) => !known.has(call));
  if (foreign !== undefined) {
    throw new InvalidRequestError(
      `there is no call ${foreign.call} that waits for a result`,
      calls.length === 0
        ? "send results only after an answer that called tools"
        : `give a result for each of these calls: ${calls.map(({ id }) => id).join(", ")}`,
      { call: foreign.call },
    );
  }
  if (given.size < results.length) {
    throw new InvalidRequestError("a call has two results", "give one result for each call", {
      results: results.length,
    });
  }
  return given;
}

/** For a message that comes while calls wait: a template may insist on a result for each call. */
export function withoutResults(calls: readonly ToolCall[]): readonly ResultMessage[] {
  return calls.map(({ id, name }) => messageOf(id, name, notRunText, true));
}

function messageOf(call: string, name: string, content: string, failed: boolean): ResultMessage {
  return { role: "tool", content, call, name, ...(failed ? { failed } : {}) };
}

function isResult(message: ChatMessage): message is ResultMessage {
  return message.role === "tool";
}
