import { RunningAnswer } from "../../agents/runningAnswer";
import { DisposableStore } from "../../common/disposables";
import { AbortedError, EngineEndedError, type ResidentError, toErrorInfo } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { Log } from "../../common/log";
import type { GenerationEvent, Running, RunningId, ServiceEvent } from "../../protocol/service";
import type { ToClient, WireArguments, WireMethod, WireResult } from "../../protocol/wire";
import { endsWithin } from "../endsWithin";
import { type CallOptions, type FromClient, PendingCalls } from "./pendingCalls";
import type { Port } from "./port";

export type ClientPort = Port<FromClient, readonly ToClient[]>;

/** Extra time, after the core's deadline, for its message that it has ended. */
const graceMs = 250;

/**
 * A client's end of a port to a core: its calls, its running answers and their life. When the other end is gone, all running
 * and all later calls fail with ENGINE_ENDED.
 */
export class CoreLink {
  private readonly emitter: Emitter<ServiceEvent>;
  private readonly listening = new DisposableStore();
  private readonly calls: PendingCalls;
  private readonly answers = new Map<RunningId, RunningAnswer>();
  private numGenerations = 0;
  /** Why no call is possible any more. */
  private ended: ResidentError | undefined;

  constructor(
    private readonly port: ClientPort,
    private readonly log: Log,
  ) {
    this.emitter = new Emitter((error) => log.log("error", `a listener failed: ${toErrorInfo(error).what}`));
    this.calls = new PendingCalls((message) => port.post(message));
    this.listening.add(port.onMessage((batch) => this.takeAll(batch)));
    this.listening.add(port.onClose((reason) => this.lose(reason)));
  }

  get onEvent() {
    return this.emitter.event;
  }

  call<M extends WireMethod>(method: M, args: WireArguments<M>, options?: CallOptions): Promise<WireResult<M>> {
    return this.ask(method, args, (value) => value, options);
  }

  /** `adapt` gets the result before any later message is processed. */
  ask<M extends WireMethod, R>(
    method: M,
    args: WireArguments<M>,
    adapt: (value: WireResult<M>) => R,
    options?: CallOptions,
  ): Promise<R> {
    return this.ended === undefined ? this.calls.call(method, args, adapt, options) : Promise.reject(this.ended);
  }

  /** An answer that is there at once, because its name is chosen here; `call` asks for it. */
  begin(call: (as: RunningId) => Promise<void>): Running {
    this.numGenerations += 1;
    const answer = this.answer(`generation ${this.numGenerations}`);
    call(answer.id).catch((error: unknown) => this.fail(answer, error));
    return answer;
  }

  /** The running answer with this name. A new one gets its events from the first on. */
  answer(id: RunningId): RunningAnswer {
    const known = this.answers.get(id);
    if (known) return known;
    const answer = new RunningAnswer(id);
    answer.signal.addEventListener("abort", () => this.port.post({ type: "abort", running: id }), { once: true });
    this.answers.set(id, answer);
    return answer;
  }

  /** A core that does not end in time is terminated. */
  async dispose(deadlineMs?: number): Promise<void> {
    if (this.ended === undefined) {
      const ended = new AbortedError("the engine is shutting down");
      const ending = this.call("dispose", [deadlineMs]).catch((error: unknown) => {
        if (error !== ended) this.log.log("error", `the engine did not end cleanly: ${toErrorInfo(error).what}`);
      });
      this.ended = ended;
      if (deadlineMs === undefined) await ending;
      else if (!(await endsWithin(deadlineMs + graceMs, ending))) {
        this.log.log("warn", `the engine did not end within ${deadlineMs} ms`);
      }
    }
    await this.port.close();
    this.failAll(this.ended);
    this.listening.dispose();
    this.emitter.dispose();
  }

  private takeAll(batch: readonly ToClient[]): void {
    // First, so that the server prepares the next batch while this one is processed.
    this.port.post({ type: "taken" });
    for (const message of batch) {
      try {
        this.take(message);
      } catch (error) {
        // A listener failed: the rest of the batch must still be delivered.
        this.log.log("error", `a listener failed: ${toErrorInfo(error).what}`);
      }
    }
  }

  private take(message: ToClient): void {
    switch (message.type) {
      case "event":
        this.emitter.fire(message.event);
        break;
      case "running":
        this.deliver(message.running, message.event);
        break;
      case "log":
        this.log.log(message.level, message.message);
        break;
      case "result":
      case "refused":
      case "progress":
        this.calls.take(message);
        break;
    }
  }

  private deliver(id: RunningId, event: GenerationEvent): void {
    const answer = this.answers.get(id);
    if (event.type === "done" || event.type === "failed") this.answers.delete(id);
    if (event.type === "done") answer?.finish(event);
    else if (event.type === "failed") answer?.fail(event.error);
    else answer?.emit(event);
  }

  private fail(answer: RunningAnswer, error: unknown): void {
    if (this.answers.delete(answer.id)) answer.fail(error);
  }

  private lose(reason: string): void {
    if (this.ended !== undefined) {
      this.failAll(this.ended);
      return;
    }
    this.ended = new EngineEndedError(reason);
    this.log.log("error", `the engine ended unexpectedly: ${reason}`);
    this.failAll(this.ended);
    const error = this.ended.toInfo();
    this.emitter.fire({ type: "engine", state: { type: "failed", error } });
    this.emitter.fire({ type: "ended", error });
  }

  private failAll(error: ResidentError): void {
    this.calls.refuseAll(error);
    for (const answer of [...this.answers.values()]) this.fail(answer, error);
  }
}
