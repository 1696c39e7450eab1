export type Role = "system" | "user" | "assistant";

export interface ChatMessage {
  readonly role: Role;
  /** For an answer: the text exactly as `AnswerText.text` gave it. */
  readonly content: string;
}

/** A message as a template sees it: with further members where the template asks for them. */
export interface TemplateMessage {
  readonly role: Role;
  readonly content: string;
  /** What an answer thought, under the names that templates use. */
  readonly reasoning_content?: string;
  readonly reasoning?: string;
  readonly thinking?: string;
}

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
