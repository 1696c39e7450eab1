import type { ToolCall } from "../../common/tools";

/** A call that is none, and why. */
export interface DroppedCall {
  /** "cut": the answer was cut inside it. "malformed": it cannot be read, or a required argument is missing. */
  readonly reason: "cut" | "malformed" | "unknown";
  /** As it was written. */
  readonly text: string;
  /** The tool's name, where it is known. */
  readonly name?: string;
}

/** A stretch of an answer, in order: all `raw` together are everything that was said. */
export interface ParsedPart {
  /** What is shown of it. */
  readonly text: string;
  readonly raw: string;
  readonly calls: readonly ToolCall[];
  readonly dropped?: DroppedCall;
}

export const shown = (text: string): ParsedPart => ({ text, raw: text, calls: [] });
export const unseen = (raw: string): ParsedPart => ({ text: "", raw, calls: [] });
