import type { ServerAnswer, ServerPiece, ServerUsage } from "../common/serverAnswer";
import type { DroppedCall, ToolCall } from "../common/tools";
import type { SaidPiece } from "../text/thinkingSplitter";
import type { Answered, AnswerSink } from "./answerEngine";
import { thoughtPart } from "./answerStream";
import type { ServerFigures } from "./serverFigures";

/** The log keeps a thought with marks, as models here say it. */
const [opener, closer] = ["<think>\n", "\n</think>\n\n"];

const nothing: SaidPiece = { text: "", hidden: "", thought: "" };

/** What a server has said so far, and where it goes. */
export class ServerSaid {
  hasBegun = false;
  private text = "";
  private thought = "";
  private isInThought = false;
  private readonly calls: ToolCall[] = [];
  private dropped: DroppedCall | undefined;

  constructor(
    private readonly sink: Pick<AnswerSink, "emit" | "add">,
    private readonly measured: ServerFigures,
  ) {}

  take(piece: ServerPiece): void {
    if (piece.type === "waits") {
      this.sink.emit({ type: "waitingModel", reason: piece.reason });
      return;
    }
    const { type, text } = piece;
    this.hasBegun = true;
    this.measured.take(type);
    if (type === "thinking") this.addThought(text);
    else {
      this.closeThought();
      this.text += text;
      this.sink.add(undefined, { ...nothing, text });
    }
    this.sink.emit({ type, text, figures: this.measured.figures({}) });
  }

  /** Behind the last of the thought, however the answer ends. */
  closeThought(): void {
    if (!this.isInThought) return;
    this.isInThought = false;
    this.sink.add(undefined, { ...nothing, hidden: closer });
  }

  end({ finishReason, calls, dropped, usage }: ServerAnswer): Answered {
    this.closeThought();
    const figures = this.measured.figures(usage);
    for (const call of calls) {
      this.calls.push(call);
      this.sink.add(undefined, { ...nothing, calls: [call] });
      this.sink.emit({ type: "call", call, figures });
    }
    const [first] = dropped;
    if (first !== undefined) {
      this.dropped = first;
      this.sink.add(undefined, { ...nothing, dropped: first });
      this.sink.emit({ type: "dropped", dropped: first });
    }
    return this.answered(finishReason, usage);
  }

  stopped(): Answered {
    return this.answered("aborted", {});
  }

  private answered(finishReason: Answered["finishReason"], usage: ServerUsage): Answered {
    return {
      text: this.text,
      ...thoughtPart(this.thought),
      ...(this.calls.length === 0 ? {} : { calls: this.calls }),
      ...(this.dropped === undefined ? {} : { dropped: this.dropped }),
      tokenIds: [],
      finishReason,
      figures: this.measured.figures(usage),
    };
  }

  /** A thought that begins again behind an answer's text is a new stretch with marks of its own. */
  private addThought(text: string): void {
    const hidden = this.isInThought ? text : opener + text;
    this.isInThought = true;
    this.thought += text;
    this.sink.add(undefined, { ...nothing, hidden, thought: text });
  }
}
