import type { Disposable } from "../../common/disposables";
import type { DroppedCall, ToolCall } from "../../common/tools";
import type { RunProgress, TextDelta } from "../../protocol/page";
import type { GenerationEvent, Running, TurnFigures } from "../../protocol/service";
import { frameMs, Throttle } from "./throttle";

export type RunUpdate =
  | { readonly type: "progress"; readonly progress: RunProgress }
  | { readonly type: "text"; readonly delta: TextDelta };

/** What a running answer has come to so far, for a snapshot. */
export interface RunState {
  readonly thought?: string;
  readonly text: string;
  /** Of this run; absent: none. */
  readonly calls?: readonly ToolCall[];
  readonly dropped?: DroppedCall;
  readonly progress?: RunProgress;
  readonly figures?: TurnFigures;
}

/** Follows one answer: knows what it has come to, and delivers what is new once a frame. */
export class RunFollower implements Disposable {
  private readonly frame: Throttle;
  private readonly listening: Disposable;
  private readonly text = new GrowingText();
  private readonly thought = new GrowingText();
  private readonly calls: ToolCall[] = [];
  private deliveredCalls = 0;
  private dropped: DroppedCall | undefined;
  private droppedIsNew = false;
  private progress: RunProgress | undefined;
  private figures: TurnFigures | undefined;

  constructor(
    readonly running: Running,
    private readonly deliver: (update: RunUpdate) => void,
  ) {
    this.frame = new Throttle(frameMs, () => this.deliverNews());
    this.listening = running.onEvent((event) => this.take(event));
  }

  get state(): RunState {
    return {
      ...(this.thought.all === "" ? {} : { thought: this.thought.all }),
      text: this.text.all,
      ...(this.calls.length === 0 ? {} : { calls: [...this.calls] }),
      ...(this.dropped === undefined ? {} : { dropped: this.dropped }),
      ...(this.progress && this.isSilent ? { progress: this.progress } : {}),
      ...(this.figures ? { figures: this.figures } : {}),
    };
  }

  /** Delivers what waits for the next frame, so that what is posted next comes after it. */
  flush(): void {
    this.frame.flush();
  }

  dispose(): void {
    this.listening.dispose();
    this.frame.dispose();
  }

  private take(event: GenerationEvent): void {
    switch (event.type) {
      case "continues":
        // The page has it: it stands in the turn.
        this.text.setDelivered(event.text);
        this.thought.setDelivered(event.thought ?? "");
        return;
      case "thinking":
        this.thought.append(event.text);
        this.figures = event.figures;
        break;
      case "text":
        this.text.append(event.text);
        this.figures = event.figures;
        break;
      case "call":
        this.calls.push(event.call);
        this.figures = event.figures;
        break;
      case "dropped":
        this.dropped = event.dropped;
        this.droppedIsNew = true;
        break;
      case "waitingModel":
      case "queued":
      case "restoring":
      case "prefill":
        this.progress = event;
        break;
      case "done":
      case "failed":
        return;
    }
    this.frame.request();
  }

  private deliverNews(): void {
    const { figures, progress, text, thought } = this;
    const hasCalls = this.deliveredCalls < this.calls.length || this.droppedIsNew;
    if (figures && (text.hasNews || thought.hasNews || hasCalls)) {
      const thoughtDelta = thought.hasNews ? { thought: thought.takeNews() } : {};
      this.deliver({ type: "text", delta: { ...text.takeNews(), ...thoughtDelta, ...this.takeCalls(), figures } });
    } else if (progress && this.isSilent) {
      this.deliver({ type: "progress", progress });
    }
  }

  private takeCalls(): Pick<TextDelta, "calls" | "dropped"> {
    const calls = this.calls.slice(this.deliveredCalls);
    this.deliveredCalls = this.calls.length;
    const dropped = this.droppedIsNew ? this.dropped : undefined;
    this.droppedIsNew = false;
    return { ...(calls.length === 0 ? {} : { calls }), ...(dropped === undefined ? {} : { dropped }) };
  }

  private get isSilent(): boolean {
    return this.text.all === "" && this.thought.all === "" && this.calls.length === 0;
  }
}

/** Keeps apart what is not delivered yet, so that a frame costs what is new in it, not the whole text. */
class GrowingText {
  all = "";
  private news = "";

  get hasNews(): boolean {
    return this.news !== "";
  }

  setDelivered(text: string): void {
    this.all = text;
    this.news = "";
  }

  append(text: string): void {
    this.all += text;
    this.news += text;
  }

  takeNews(): { readonly offset: number; readonly text: string } {
    const text = this.news;
    this.news = "";
    return { offset: this.all.length - text.length, text };
  }
}
