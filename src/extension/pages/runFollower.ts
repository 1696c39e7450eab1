import type { Disposable } from "../../common/disposables";
import type { RunProgress, TextDelta } from "../../protocol/page";
import type { GenerationEvent, Running, TurnFigures } from "../../protocol/service";
import { frameMs, Throttle } from "./throttle";

export type RunUpdate =
  | { readonly type: "progress"; readonly progress: RunProgress }
  | { readonly type: "text"; readonly delta: TextDelta };

/** What a running answer has come to so far, for a snapshot. */
export interface RunState {
  readonly text: string;
  readonly progress?: RunProgress;
  readonly figures?: TurnFigures;
}

/** Follows one answer: knows what it has come to, and delivers what is new once a frame. */
export class RunFollower implements Disposable {
  private readonly frame: Throttle;
  private readonly listening: Disposable;
  private deliveredLength = 0;
  /** The text that is not delivered yet, so that a frame costs what is new in it, not the whole answer. */
  private news = "";
  private text = "";
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
      text: this.text,
      ...(this.progress && this.text === "" ? { progress: this.progress } : {}),
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
        this.text = event.text;
        this.deliveredLength = event.text.length;
        return;
      case "text":
        this.text += event.text;
        this.news += event.text;
        this.figures = event.figures;
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
    if (this.figures && this.news !== "") {
      const { deliveredLength: offset, news: text, figures } = this;
      this.deliveredLength += text.length;
      this.news = "";
      this.deliver({ type: "text", delta: { offset, text, figures } });
    } else if (this.progress && this.text === "") {
      this.deliver({ type: "progress", progress: this.progress });
    }
  }
}
