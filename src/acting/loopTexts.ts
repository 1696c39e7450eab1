/** What a loop says, and what it reads from turns and errors. */
import { ResidentError, toErrorInfo } from "../common/errors";
import type { ToolCall, ToolResult } from "../common/tools";
import type { AgentDetail, TurnView } from "../protocol/service";
import { noteMark } from "../protocol/toolNames";
import { beginning } from "./results";

/** The calls that an answer at the head waits for. */
export function waitingCalls(head: TurnView): readonly ToolCall[] {
  return head.state === "done" && head.finishReason === "calls" ? (head.calls ?? []) : [];
}

export function namesOf({ tools = [] }: Pick<AgentDetail, "tools">): readonly string[] {
  return tools.map(({ name }) => name);
}

/** A note about a further call stands behind the last result: a message of its own would hide that these are results. */
export function withNote(results: readonly ToolResult[], note: string): readonly ToolResult[] {
  const last = results.at(-1);
  return last === undefined ? results : [...results.slice(0, -1), noted(last, note)];
}

export function noted(result: ToolResult, note: string): ToolResult {
  return { ...result, text: `${result.text}\n\n${note}` };
}

/** What the person asked in the turn at the head; empty: its message is not among `turns`. */
export function askedIn(turns: readonly TurnView[]): string {
  return turns.filter(({ user }) => user !== "" && !user.startsWith(noteMark)).at(-1)?.user ?? "";
}

/** Behind the result of a call that gave the same before: small models copy what they did last, and follow what they read last. */
export function repeatNote(asked: string): string {
  return `${noteMark} You made this call before, with the same result. Use this result: make another call, or answer in words.${again(asked)}`;
}

/** Behind the results of calls that go in circles. No call can be made in the answer. */
export function lastWordsNote(asked: string): string {
  return `${noteMark} You made the same call three times, so no more calls are made. Answer the person now in words, with the result above.${again(asked)}`;
}

const longestAsked = 300;

function again(asked: string): string {
  const line = asked.replace(/\s+/g, " ").trim();
  return line === "" ? "" : ` The person asked: ${beginning(line, longestAsked)}`;
}

/** "busy": another message is being answered. "moved": nothing waits there for these results any more. */
export function wentOn(error: unknown): "busy" | "moved" | undefined {
  if (!(error instanceof ResidentError)) return undefined;
  if (error.code === "AGENT_BUSY") return "busy";
  return error.code === "INVALID_REQUEST" || error.code === "AGENT_NOT_FOUND" ? "moved" : undefined;
}

export function errorSentence(error: unknown): string {
  const { what, advice } = toErrorInfo(error);
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}: ${advice}.`;
}

export function fullText({ tokens, contextTokens }: Pick<AgentDetail, "tokens" | "contextTokens">): string {
  return `The context is full (${tokens} of ${contextTokens} tokens), so it cannot go on: compact the conversation, or start over with its last turns.`;
}
