import type { Disposable } from "../../common/disposables";
import type { Formats } from "../../common/format";
import type { GenerationEvent } from "../../protocol/service";
import { frameMs, Throttle } from "../pages/throttle";
import type { ChatParts, ResponseProgress } from "./chatApi";
import { missingAnswer } from "./missingAnswer";
import { usageBytes, usageMimeType } from "./usage";

/** Not final: ends the chat's "Thinking…". */
const thoughtEnd = { vscode_reasoning_done: true };

/** Turns the events of an answer into the host's parts: text once a frame, a call at once, the figures at the end. */
export class AnswerParts implements Disposable {
  private readonly frame = new Throttle(frameMs, () => this.reportText());
  private text = "";
  private thought = "";
  private isThinking = false;

  constructor(
    private readonly parts: ChatParts,
    private readonly progress: ResponseProgress,
    /** Tells this answer's thought from others'. */
    private readonly id: string,
  ) {}

  take(event: GenerationEvent): void {
    switch (event.type) {
      case "thinking":
        if (this.parts.thinking === undefined) return; // the host has no place for it
        this.isThinking = true;
        this.thought += event.text;
        this.frame.request();
        return;
      case "text":
        this.text += event.text;
        this.frame.request();
        return;
      case "call": {
        this.frame.flush();
        this.endThought();
        const { id, name, arguments: input } = event.call;
        this.progress.report(this.parts.call(id, name, input));
        return;
      }
      case "continues":
      case "waitingModel":
      case "queued":
      case "restoring":
      case "prefill":
      case "dropped":
      case "done":
      case "failed":
        return;
    }
  }

  /** Everything that is left of the answer, then its figures, once. */
  finish(done: Extract<GenerationEvent, { type: "done" }>, formats: Formats): void {
    this.frame.flush();
    this.endThought();
    const missing = missingAnswer(done, formats);
    if (missing !== undefined) {
      this.progress.report(this.parts.text(done.text.trim() === "" ? `*${missing}*` : `\n\n*${missing}*`));
    }
    this.progress.report(this.parts.data(usageBytes(done.figures), usageMimeType));
  }

  /** What came before a failure is shown. */
  flush(): void {
    this.frame.flush();
    this.endThought();
  }

  dispose(): void {
    this.frame.dispose();
  }

  private reportText(): void {
    if (this.thought !== "") {
      const part = this.parts.thinking?.(this.thought, this.id);
      if (part !== undefined) this.progress.report(part);
      this.thought = "";
    }
    if (this.text === "") return;
    this.endThought();
    this.progress.report(this.parts.text(this.text));
    this.text = "";
  }

  private endThought(): void {
    if (!this.isThinking) return;
    this.isThinking = false;
    const end = this.parts.thinking?.("", "", thoughtEnd);
    if (end !== undefined) this.progress.report(end);
  }
}
