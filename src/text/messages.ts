import type { ChatMessage } from "../common/messages";
import type { JsonObject } from "./json";

export type { AnswerMessage, ChatMessage } from "../common/messages";

/** A message as a template sees it: with further members where the template asks for them. */
export interface TemplateMessage extends Readonly<Partial<Record<ThoughtMember, string>>> {
  /** That of the message, or the name that the template has for results. */
  readonly role: ChatMessage["role"] | ResultRole;
  /** None: an answer that only called tools, for templates that ask it so. */
  readonly content: string | null;
  /** Calls that an answer made, as transformers has them: `{ id, type: "function", function: { name, arguments } }`. */
  readonly tool_calls?: readonly JsonObject[];
  /** Of a tool's result: the call that it answers, and the tool. */
  readonly tool_call_id?: string;
  readonly name?: string;
}

/** The roles that templates know for the result of a call. The first that a template renders is taken. */
export const resultRoles = ["tool", "ipython", "function", "observation"] as const;
export type ResultRole = (typeof resultRoles)[number];

/** What an answer thought, under the names that templates use. */
export const thoughtMembers = ["reasoning_content", "reasoning", "thinking"] as const;
export type ThoughtMember = (typeof thoughtMembers)[number];

/**
 * A stretch of the token history. `text` is marked text (see markedText.ts): a special-token string in it is the
 * control token unless an escape stands before it. Plain data: it is stored as it is.
 */
export interface Segment {
  /**
   * "prompt": encoded from a rendering, may be cut at a special token. "answer": sampled ids, may be cut between two of them.
   */
  readonly kind: "prompt" | "answer";
  readonly text: string;
  readonly ids: Int32Array;
}

export function numIds(segments: readonly Segment[]): number {
  return segments.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** Those of all segments, in one array. */
export function joinedIds(segments: readonly Segment[]): Int32Array {
  const ids = new Int32Array(numIds(segments));
  let at = 0;
  for (const segment of segments) {
    ids.set(segment.ids, at);
    at += segment.ids.length;
  }
  return ids;
}
