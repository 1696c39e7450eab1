import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { Log } from "../../common/log";
import type { ResidentService, Running, RunningId } from "../../protocol/service";
import type { CallId, CallMessage, ToClient, ToServer, WireMethod, WireResult } from "../../protocol/wire";
import { type CallContext, type Handlers, handlersOf } from "./handlers";
import { Outbox } from "./outbox";
import type { Port } from "./port";

export type ServerPort = Port<readonly ToClient[], ToServer>;

/**
 * The core's end of a port: serves one client. `create` gets a log that writes to the client's log. Only one batch is
 * in flight at a time, so that messages that wait for a busy client are joined on this side.
 */
export class ServiceServer implements Disposable {
  private readonly store = new DisposableStore();
  private readonly outbox = new Outbox();
  private readonly calls = new Map<CallId, AbortController>();
  private readonly answers = new Map<RunningId, Running>();
  private readonly handlers: Handlers;
  private readonly log: Log;
  private flushing = false;
  private inFlight = false;

  constructor(
    private readonly port: ServerPort,
    create: (log: Log) => ResidentService,
  ) {
    this.log = { log: (level, message) => this.post({ type: "log", level, message }) };
    const service = create(this.log);
    this.handlers = handlersOf(service);
    this.store.add(service.onEvent((event) => this.post({ type: "event", event })));
    this.store.add(port.onMessage((message) => this.take(message)));
    this.store.add(port.onClose(() => this.dispose()));
  }

  /** The client is gone: ends the work that it requested. */
  dispose(): void {
    this.store.dispose();
    for (const call of this.calls.values()) call.abort();
    for (const answer of this.answers.values()) answer.abort();
  }

  private take(message: ToServer): void {
    switch (message.type) {
      case "call":
        void this.serve(message);
        break;
      case "cancel":
        this.calls.get(message.id)?.abort();
        break;
      case "abort":
        this.answers.get(message.running)?.abort();
        break;
      case "taken":
        this.inFlight = false;
        this.flushSoon();
        break;
    }
  }

  private async serve<M extends WireMethod>({ id, method, args }: CallMessage<M>): Promise<void> {
    const abort = new AbortController();
    const started: { readonly as: RunningId; readonly running: Running }[] = [];
    const context: CallContext = {
      signal: abort.signal,
      onProgress: (progress) => this.post({ type: "progress", id, progress }),
      started: (running, as = running.id) => started.push({ as, running }),
    };
    this.calls.set(id, abort);
    try {
      const value: WireResult<M> = await this.handlers[method](args, context);
      this.post({ type: "result", id, method, value });
      for (const { as, running } of started) this.follow(as, running);
    } catch (error) {
      const info = toErrorInfo(error);
      if (info.code === "INTERNAL") this.log.log("error", `${method}: ${stackOf(error)}`);
      this.post({ type: "refused", id, error: info });
    } finally {
      this.calls.delete(id);
    }
  }

  /** Forwards an answer's events from the first on; only once, however often this is called. */
  private follow(as: RunningId, running: Running): void {
    if (this.answers.has(as)) return;
    this.answers.set(as, running);
    this.store.add(
      running.onEvent((event) => {
        if (event.type === "done" || event.type === "failed") this.answers.delete(as);
        this.post({ type: "running", running: as, event });
      }),
    );
  }

  private post(message: ToClient): void {
    this.outbox.add(message);
    this.flushSoon();
  }

  /** Schedules one post for everything that happens in this turn of the event loop. */
  private flushSoon(): void {
    if (this.flushing || this.inFlight || this.outbox.isEmpty) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      if (this.inFlight || this.outbox.isEmpty) return;
      this.inFlight = true;
      const batch = this.outbox.takeAll();
      try {
        this.port.post(batch);
      } catch {
        this.port.post(batch.flatMap((message) => this.postable(message)));
      }
    });
  }

  /**
   * The message if it can be cloned, else the refusal of its call: one bad message must not lose the rest of the batch.
   */
  private postable(message: ToClient): readonly ToClient[] {
    try {
      structuredClone(message);
      return [message];
    } catch (error) {
      const info = toErrorInfo(error);
      this.log.log("error", `a ${message.type} cannot be posted: ${info.what}`);
      return "id" in message ? [{ type: "refused", id: message.id, error: info }] : [];
    }
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
