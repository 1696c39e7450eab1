/** What a server with a chat endpoint says: plain data between the rooms that ask and the one that speaks HTTP. */
import type { DroppedCall, ToolCall } from "./tools";

/** Names that servers have for the thought of an answer. A server takes the name back that it uses itself. */
export const thoughtFields = ["reasoning_content", "reasoning", "thinking", "reasoning_text"] as const;
export type ThoughtField = (typeof thoughtFields)[number];

/** Tokens of an answer as its server counted them. What it does not tell is absent, never a guess. */
export interface ServerUsage {
  /** Of the whole prompt, cached ones included. */
  readonly promptTokens?: number;
  /** Of the prompt, those that were read from the server's own cache. */
  readonly cachedTokens?: number;
  /** Of the answer, its thought and its calls included. */
  readonly completionTokens?: number;
  /** The part of `completionTokens` that is thought. */
  readonly thoughtTokens?: number;
}

/** What comes while a server answers. */
export type ServerPiece =
  /** The server asked to wait, or the connection broke before anything came: the request is sent again after `ms`. */
  | { readonly type: "waits"; readonly reason: string; readonly ms: number }
  /** New text to append, of the thought (without marks) or of the answer. */
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "text"; readonly text: string };

export interface ServerAnswer {
  readonly finishReason: "stop" | "length" | "calls";
  readonly calls: readonly ToolCall[];
  /** Calls that came and cannot be run. */
  readonly dropped: readonly DroppedCall[];
  readonly usage: ServerUsage;
  /** The name under which the thought came; absent: there was none, or it stood in the text. */
  readonly thoughtField?: ThoughtField;
}
