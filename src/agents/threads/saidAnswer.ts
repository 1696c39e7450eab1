import type { AnswerMessage } from "../../common/messages";
import type { ToolCall } from "../../common/tools";
import type { SaidPiece } from "../../text/thinkingSplitter";

/** Collects an answer as its conversation keeps it, with everything that was said. */
export class SaidAnswer {
  private text = "";
  private hidden = "";
  /** `undefined` while it is `text`. */
  private raw: string | undefined;
  private readonly calls: ToolCall[] = [];

  add({ text, hidden, raw, calls }: SaidPiece): void {
    if (raw !== undefined) this.raw ??= this.text;
    if (this.raw !== undefined) this.raw += raw ?? text;
    if (calls !== undefined) this.calls.push(...calls);
    this.text += text;
    this.hidden += hidden;
  }

  get message(): AnswerMessage {
    const { text, hidden, raw, calls } = this;
    return {
      ...{ role: "assistant", content: text },
      ...(hidden === "" ? {} : { thought: hidden }),
      ...(calls.length === 0 ? {} : { calls: [...calls] }),
      ...(raw === undefined ? {} : { raw }),
    };
  }

  /** All of it, as the model said it. */
  get whole(): string {
    return this.hidden + (this.raw ?? this.text);
  }
}
