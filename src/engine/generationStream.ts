import type { Disposable } from "../common/disposables";
import type { ResidentError } from "../common/errors";
import { Emitter } from "../common/events";
import { type Deferred, deferred } from "./deferred";
import type { Generation, GenerationEvent, GenerationFigures, GenerationResult } from "./generation";
import { at } from "./invariant";

/** What a generation asks of the engine. */
export interface GenerationControl {
  figures(): GenerationFigures;
  abort(): void;
  stop(keepTokens: number): void;
}

/** The engine's side of a generation. Keeps all events, so that listeners and iterators may be added late. */
export class GenerationStream implements Generation {
  readonly result: Promise<GenerationResult>;
  private readonly log: GenerationEvent[] = [];
  private readonly emitter: Emitter<GenerationEvent>;
  private failure: ResidentError | undefined;
  private ended = false;
  private readonly wake: (() => void)[] = [];
  private readonly outcome: Deferred<GenerationResult> = deferred();

  constructor(
    private readonly control: GenerationControl,
    private readonly onListenerError: (error: unknown) => void,
  ) {
    this.emitter = new Emitter(onListenerError);
    this.result = this.outcome.promise;
    // An unobserved rejection would end the process; a caller that awaits `result` still gets the failure.
    this.result.catch(() => {});
  }

  figures(): GenerationFigures {
    return this.control.figures();
  }

  abort(): void {
    this.control.abort();
  }

  stop(keepTokens: number): void {
    this.control.stop(keepTokens);
  }

  onEvent(listener: (event: GenerationEvent) => void): Disposable {
    // By index: events that the listener causes during the replay are appended and delivered in order.
    for (let next = 0; next < this.log.length; next += 1) this.callListener(listener, at(this.log, next));
    return this.emitter.event(listener);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationEvent, void, void> {
    for (let next = 0; ; next += 1) {
      while (next >= this.log.length && !this.ended) await new Promise<void>((resolve) => this.wake.push(resolve));
      const event = this.log[next];
      if (event === undefined) break;
      yield event;
    }
    if (this.failure !== undefined) throw this.failure;
  }

  emit(event: GenerationEvent): void {
    this.log.push(event);
    this.wakeAll();
    this.emitter.fire(event);
  }

  finish(result: GenerationResult): void {
    this.ended = true;
    this.outcome.resolve(result);
    this.emit({ type: "done", result });
    this.emitter.dispose();
  }

  fail(error: ResidentError): void {
    this.ended = true;
    this.failure = error;
    this.outcome.reject(error);
    this.wakeAll();
    this.emitter.dispose();
  }

  private callListener(listener: (event: GenerationEvent) => void, event: GenerationEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.onListenerError(error);
    }
  }

  private wakeAll(): void {
    for (const resolve of this.wake.splice(0)) resolve();
  }
}
