import type { Disposable } from "../common/disposables";
import { ResidentError, toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { GenerationEvent, Running } from "../protocol/service";

type DoneEvent = Extract<GenerationEvent, { type: "done" }>;

/** A running answer. A late listener first gets the earlier events, merged into as few as possible. */
export class RunningAnswer implements Running {
  readonly done: Promise<DoneEvent>;
  private readonly emitter = new Emitter<GenerationEvent>();
  private readonly controller = new AbortController();
  private readonly story: GenerationEvent[] = [];
  private readonly settle: { readonly resolve: (event: DoneEvent) => void; readonly reject: (error: unknown) => void };

  constructor(readonly id: string) {
    let settle = { resolve: (_: DoneEvent) => {}, reject: (_: unknown) => {} };
    this.done = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.settle = settle;
    // A failure is an event too, so a caller need not look at `done`.
    this.done.catch(() => {});
  }

  /** Aborted when the person stops the answer. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  onEvent(listener: (event: GenerationEvent) => void): Disposable {
    for (const event of this.story) listener(event);
    return this.emitter.event(listener);
  }

  abort(): void {
    this.controller.abort();
  }

  emit(event: Exclude<GenerationEvent, { type: "done" | "failed" }>): void {
    this.remember(event);
    this.emitter.fire(event);
  }

  finish(event: DoneEvent): void {
    this.story.push(event);
    this.emitter.fire(event);
    this.settle.resolve(event);
  }

  fail(error: unknown): void {
    const event = { type: "failed", error: toErrorInfo(error) } as const;
    this.story.push(event);
    this.emitter.fire(event);
    this.settle.reject(ResidentError.fromInfo(event.error));
  }

  /** Neighbouring texts are joined; of neighbouring progress events only the last is kept. */
  private remember(event: GenerationEvent): void {
    const last = this.story.at(-1);
    if (last?.type === "thinking" && event.type === "thinking") {
      this.story[this.story.length - 1] = { ...event, text: last.text + event.text };
    } else if (last?.type === "text" && event.type === "text") {
      this.story[this.story.length - 1] = { ...event, text: last.text + event.text };
    } else if (last?.type === event.type) {
      this.story[this.story.length - 1] = event;
    } else {
      this.story.push(event);
    }
  }
}
