import type { Disposable } from "../../common/disposables";
import { type ErrorInfo, ResidentError, toErrorInfo } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { Log } from "../../common/log";
import type { ResidentService, ServiceEvent } from "../../protocol/service";

/** If a core ends twice within this time, calls do not start it again: a person must. */
const lossPeriodMs = 60_000;

/**
 * The one service behind all features: made on first need, replaced by `restart`, or by the next call when its core has
 * ended unexpectedly. Features ask `get()` for every call and listen here, so that after a replacement they only need
 * a fresh snapshot.
 */
export class ServiceHandle implements Disposable {
  private readonly events: Emitter<ServiceEvent>;
  private readonly restarts: Emitter<void>;
  private current: Promise<ResidentService> | undefined;
  private forwarding: Disposable | undefined;
  private changing: Promise<void> = Promise.resolve();
  private closed = false;
  /** The last core ended unexpectedly: listeners have not been told of the next one yet. */
  private lost = false;
  private lostAtMs = Number.NEGATIVE_INFINITY;
  /** Why calls start no core. */
  private refusal: ErrorInfo | undefined;

  constructor(
    private readonly create: () => Promise<ResidentService>,
    private readonly log: Log,
    private readonly nowMs: () => number = Date.now,
  ) {
    const report = (error: unknown) => log.log("error", `a listener failed: ${toErrorInfo(error).what}`);
    this.events = new Emitter(report);
    this.restarts = new Emitter(report);
  }

  get onEvent() {
    return this.events.event;
  }

  /** Fires when the service was replaced: everything that is shown of the old one is stale. */
  get onRestart() {
    return this.restarts.event;
  }

  /** Whether the core has been loaded. */
  get started(): boolean {
    return this.current !== undefined;
  }

  /** A failed start is not remembered: the next call tries again. */
  async get(): Promise<ResidentService> {
    await this.changing;
    if (this.closed) throw new Error("the extension is shutting down");
    if (!this.current) {
      if (this.refusal) throw ResidentError.fromInfo(this.refusal);
      const starting = this.start();
      this.current = starting;
      starting.catch(() => {
        if (this.current === starting) this.current = undefined;
      });
    }
    return this.current;
  }

  /** Saves, ends the running service, and tells listeners; the next `get` starts a new one with the settings of then. */
  async restart(deadlineMs: number): Promise<void> {
    this.changing = this.changing.then(() => this.end(deadlineMs));
    await this.changing;
    this.refusal = undefined;
    this.lost = false;
    if (!this.closed) this.restarts.fire();
  }

  /** Saves and ends the service for good, within `deadlineMs`. Calls that follow are refused. */
  async shutDown(deadlineMs: number): Promise<void> {
    this.closed = true;
    await this.end(deadlineMs);
  }

  dispose(): void {
    this.events.dispose();
    this.restarts.dispose();
  }

  private async start(): Promise<ResidentService> {
    const service = await this.create();
    this.forwarding = service.onEvent((event) => {
      if (event.type === "ended") this.lose(service, event.error);
      this.events.fire(event);
    });
    if (this.lost) {
      this.lost = false;
      this.restarts.fire();
    }
    return service;
  }

  /** The next call starts a new core, unless this happens again and again. */
  private lose(service: ResidentService, error: ErrorInfo): void {
    const now = this.nowMs();
    if (now - this.lostAtMs < lossPeriodMs) this.refusal = error;
    this.lostAtMs = now;
    this.lost = true;
    this.current = undefined;
    this.forwarding?.dispose();
    this.forwarding = undefined;
    service.dispose().catch((failure: unknown) => this.log.log("error", toErrorInfo(failure).what));
  }

  private async end(deadlineMs: number): Promise<void> {
    const ending = this.current;
    this.current = undefined;
    if (!ending) return;
    try {
      const service = await ending;
      await service.dispose(deadlineMs);
    } catch (error) {
      this.log.log("error", `the engine did not end cleanly: ${toErrorInfo(error).what}`);
    } finally {
      this.forwarding?.dispose();
      this.forwarding = undefined;
    }
  }
}
