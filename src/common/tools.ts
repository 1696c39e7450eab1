/** Tools that a model may call, their calls and their results: plain data, which crosses every port and every log. */

/** Parsed JSON: an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A tool as a model is told of it. */
export interface ToolSpec {
  /** 1 to 64 letters, digits, `_`, `-` and `.`, unique among the tools of a request. */
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments, an object's. Absent: it takes none. */
  readonly parameters?: JsonObject;
}

/** A call that a model made. Its tool was declared and its required arguments are there. */
export interface ToolCall {
  /** Unique within its conversation. */
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonObject;
}

/** What came of a call. */
export interface ToolResult {
  /** The id of its call. */
  readonly call: string;
  readonly text: string;
  /** The tool could not do it; `text` says why. */
  readonly failed?: boolean;
}

/** The result of a call that a person's message came instead of. */
export const notRunText = "This was not run.";

/** A call in an answer that was not made. */
export interface DroppedCall {
  /** "cut": the answer ended inside it. "malformed": its arguments cannot be read. "unknown": there is no such tool. */
  readonly reason: "cut" | "malformed" | "unknown";
  readonly name?: string;
  /** As the model wrote it. */
  readonly text: string;
}

/** Something that a schema says and an answer was not held to: what comes may not fit there. */
export interface Unconstrained {
  /** Whose arguments the schema describes. Absent: it describes the answer. */
  readonly tool?: string;
  /** A JSON pointer into the schema. */
  readonly path: string;
  /** The schema's word, or what of it is meant. */
  readonly what: string;
}

/** Whether an answer may call tools, must, or must not although they are declared. */
export const toolModes = ["auto", "required", "none"] as const;
/** "words": as "none", and the answer begins with a word: it is neither a call that is written as text nor JSON. */
export type ToolMode = (typeof toolModes)[number] | "words";

/** A JSON schema of an answer; `true` is any JSON. */
export type JsonSchema = JsonObject | boolean;
