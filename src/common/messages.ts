/** A conversation's messages, as programs hand them to a model. */
import type { Attachment } from "./attachments";
import type { ToolCall } from "./tools";

export type ChatMessage = SaidToModel | AnswerMessage | ResultMessage;

export interface SaidToModel {
  readonly role: "system" | "user";
  readonly content: string;
  /** Of a user: what stands before the text. Prompts have it in words (`src/text/attachedText.ts`). */
  readonly attachments?: readonly Attachment[];
}

export interface AnswerMessage {
  readonly role: "assistant";
  /** For an answer of this program: the text exactly as `AnswerText.text` gave it, without its calls. */
  readonly content: string;
  /** Everything that was said before it, with its marks. */
  readonly thought?: string;
  /** The calls that it made, in order. */
  readonly calls?: readonly ToolCall[];
  /**
   * Everything that was said behind the thought, with its calls as the model wrote them. Absent: `content`, or not
   * known (an answer of another program).
   */
  readonly raw?: string;
}

/** What came of a call. */
export interface ResultMessage {
  readonly role: "tool";
  readonly content: string;
  /** The id of the call. */
  readonly call: string;
  /** The tool's name. */
  readonly name: string;
  /** The tool could not do it; `content` says why. */
  readonly failed?: boolean;
}

/** A person's message as the input of an answer. */
export function userInput(text: string, attachments: readonly Attachment[] = []): readonly [SaidToModel] {
  return [{ role: "user", content: text, ...(attachments.length === 0 ? {} : { attachments }) }];
}

export function answerMessage(content: string, thought = ""): AnswerMessage {
  return { role: "assistant", content, ...(thought === "" ? {} : { thought }) };
}
