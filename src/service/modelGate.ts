import { performance } from "node:perf_hooks";
import { AbortedError, throwIfAborted } from "../common/errors";
import { ModelQueue, type QueueLimits } from "./modelQueue";
import { type TurnsAhead, turnsAhead } from "./turnsAhead";

export interface Lease<M> {
  readonly model: M;
  /** Only the first call has an effect. */
  release(): void;
}

export interface ModelLoader<M> {
  load(directory: string, signal: AbortSignal | undefined): Promise<M>;
  /** Saves what belongs to the model and frees it. Must not reject. */
  unload(model: M): Promise<void>;
}

interface LeaseRequest<M> {
  readonly type: "lease";
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
  readonly onWaiting: ((ahead: readonly TurnsAhead[]) => void) | undefined;
  readonly resolve: (lease: Lease<M>) => void;
  readonly reject: (error: unknown) => void;
  /** The last argument of `onWaiting`, as JSON; `undefined` before the first call. */
  sentAhead: string | undefined;
}

interface UnloadRequest {
  readonly type: "unload";
  readonly directory: undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Request<M> = LeaseRequest<M> | UnloadRequest;

interface Loaded<M> {
  readonly directory: string;
  readonly model: M;
  leases: number;
  /** The model is broken: the next lease loads it again. */
  retired: boolean;
}

export interface NextLoad {
  readonly directory: string;
  /** Turns that are served before the load. */
  readonly turnsAhead: number;
}

export interface GateClock {
  nowMs(): number;
  /** Calls `work` once after `ms`; the returned function cancels that. */
  after(ms: number, work: () => void): () => void;
}

const systemClock: GateClock = {
  nowMs: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Bounds within which a later request may be served before an earlier one for another model. */
export const queueLimits: QueueLimits = { togetherMs: 1000, maxTogether: 256 };

/**
 * The loaded model is kept until the first waiting request is this old. Messages that are sent together reach the gate
 * a few milliseconds apart, since each is committed to disk first; a swap of models takes far longer.
 */
export const gatherMs = 100;

/**
 * Loads one model at a time. Work takes a lease on the model it needs; leases on the loaded model are shared. A request
 * for another model waits until the last lease is released; `ModelQueue` determines the order of waiting requests.
 */
export class ModelGate<M> {
  private loaded: Loaded<M> | undefined;
  private readonly waiting = new ModelQueue<Request<M>>(queueLimits);
  private swapping = false;
  private cancelGathering: (() => void) | undefined;
  /** Aborts the current load. */
  private loading: AbortController | undefined;
  /** Resolves when the last change of model has ended. */
  private settled: Promise<void> = Promise.resolve();
  private closed = false;

  /** `onIdle` is called whenever it may have changed whether a model is loaded but unused. */
  constructor(
    private readonly loader: ModelLoader<M>,
    private readonly onIdle: (idle: boolean) => void = () => {},
    private readonly clock: GateClock = systemClock,
  ) {}

  get current(): { readonly directory: string; readonly model: M } | undefined {
    return this.loaded;
  }

  /** The model that is loaded next because requests wait for it; also while it is being loaded. */
  get next(): NextLoad | undefined {
    const { loaded } = this;
    const order = this.inOrder();
    const request = order.find(({ directory }) => directory !== undefined && directory !== loaded?.directory);
    if (request?.directory === undefined) return undefined;
    const ahead = turnsAhead(this.runningTurns(), order).get(request) ?? [];
    return { directory: request.directory, turnsAhead: ahead.reduce((sum, { turns }) => sum + turns, 0) };
  }

  get numLeases(): number {
    return this.loaded?.leases ?? 0;
  }

  /** Whether a lease on `directory` would wait for other work, or other work would wait for it. */
  isContended(directory: string): boolean {
    const other = this.loaded !== undefined && this.loaded.directory !== directory && this.loaded.leases > 0;
    return other || this.inOrder().some((request) => request.directory !== directory);
  }

  /**
   * `onWaiting` is called with the turns that are served first, whenever they change, and with an empty list once the
   * model of this request is being loaded. It is not called when nothing is served first.
   */
  acquire(
    directory: string,
    signal?: AbortSignal,
    onWaiting?: (ahead: readonly TurnsAhead[]) => void,
  ): Promise<Lease<M>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new AbortedError());
      const request: LeaseRequest<M> = {
        type: "lease",
        directory,
        signal,
        onWaiting,
        resolve,
        reject,
        sentAhead: undefined,
      };
      signal?.addEventListener("abort", () => this.cancel(request), { once: true });
      this.enqueue(request);
    });
  }

  /** Frees the loaded model once all earlier requests have ended. */
  unload(): Promise<void> {
    return new Promise((resolve, reject) => this.enqueue({ type: "unload", directory: undefined, resolve, reject }));
  }

  /** Cancels the current load; every request that waits for that model is rejected as cancelled. */
  cancelLoad(): void {
    this.loading?.abort();
  }

  /** Marks the loaded model as broken: the next lease loads it again. */
  retire(model: M): void {
    if (this.loaded?.model === model) this.loaded.retired = true;
  }

  /** Rejects all waiting and future requests, then frees the model even if it is leased. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelGathering?.();
    for (const request of this.inOrder()) {
      this.waiting.remove(request);
      request.reject(shuttingDown());
    }
    this.cancelLoad();
    await this.settled;
    await this.drop();
  }

  private enqueue(request: Request<M>): void {
    if (this.closed) {
      request.reject(shuttingDown());
      return;
    }
    this.waiting.add(request, this.clock.nowMs());
    this.serve();
  }

  private inOrder(): readonly Request<M>[] {
    const { loaded } = this;
    return this.waiting.inOrder(loaded === undefined || loaded.retired ? undefined : loaded.directory);
  }

  private serve(): void {
    this.serveNext();
    this.notifyWaiting();
  }

  private serveNext(): void {
    while (!this.swapping) {
      const [next] = this.inOrder();
      if (next === undefined) return;
      const { loaded } = this;
      if (next.type === "lease" && loaded?.directory === next.directory && !loaded.retired) {
        this.waiting.remove(next);
        next.resolve(this.lease(loaded));
        continue;
      }
      if (this.numLeases > 0 || this.gathers(next)) return;
      this.swapping = true;
      this.settled = this.change(next).finally(() => {
        this.swapping = false;
        this.serve();
      });
    }
  }

  /** Whether to wait for requests for the loaded model that were sent together with this one. */
  private gathers({ type }: Request<M>): boolean {
    const { openedAtMs } = this.waiting;
    if (type === "unload" || this.loaded === undefined || this.loaded.retired || openedAtMs === undefined) return false;
    const leftMs = openedAtMs + gatherMs - this.clock.nowMs();
    if (leftMs <= 0) return false;
    this.cancelGathering?.();
    this.cancelGathering = this.clock.after(leftMs, () => this.serve());
    return true;
  }

  private notifyWaiting(): void {
    for (const [request, ahead] of turnsAhead(this.runningTurns(), this.inOrder())) {
      if (request.type === "unload") continue;
      const text = JSON.stringify(ahead);
      if (request.sentAhead === text || (request.sentAhead === undefined && ahead.length === 0)) continue;
      request.sentAhead = text;
      request.onWaiting?.(ahead);
    }
  }

  private runningTurns(): TurnsAhead {
    return { directory: this.loaded?.directory ?? "", turns: this.numLeases };
  }

  private lease(loaded: Loaded<M>): Lease<M> {
    loaded.leases += 1;
    this.onIdle(false);
    let released = false;
    return {
      model: loaded.model,
      release: () => {
        if (released) return;
        released = true;
        loaded.leases -= 1;
        this.serve();
        this.onIdle(this.loaded !== undefined && this.numLeases === 0 && !this.swapping);
      },
    };
  }

  /** Never rejects; a request that stays in the queue is served next. */
  private async change(request: Request<M>): Promise<void> {
    try {
      if (request.type === "lease") throwIfAborted(request.signal);
      await this.drop();
      if (request.type === "unload") {
        this.waiting.remove(request);
        request.resolve();
        return;
      }
      const model = await this.load(request);
      this.loaded = { directory: request.directory, model, leases: 0, retired: false };
    } catch (error) {
      this.waiting.remove(request);
      request.reject(error);
    }
  }

  private async load({ directory, signal }: LeaseRequest<M>): Promise<M> {
    const loading = new AbortController();
    const giveUp = () => loading.abort();
    signal?.addEventListener("abort", giveUp, { once: true });
    this.loading = loading;
    try {
      return await this.loader.load(directory, loading.signal);
    } catch (error) {
      const cancelled = loading.signal.aborted && !signal?.aborted;
      if (cancelled) this.refuse(directory);
      throw error;
    } finally {
      this.loading = undefined;
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Rejects all requests for a model whose load was cancelled: the next one would start the same load again. */
  private refuse(directory: string): void {
    for (const request of this.inOrder()) {
      if (request.directory !== directory) continue;
      this.waiting.remove(request);
      request.reject(new AbortedError("loading the model was cancelled"));
    }
  }

  private async drop(): Promise<void> {
    const { loaded } = this;
    this.loaded = undefined;
    this.onIdle(false);
    if (loaded !== undefined) await this.loader.unload(loaded.model);
  }

  private cancel(request: LeaseRequest<M>): void {
    if (!this.waiting.remove(request)) return;
    request.reject(new AbortedError());
    this.serve();
  }
}

function shuttingDown(): AbortedError {
  return new AbortedError("the engine is shutting down");
}
