import { AbortedError, throwIfAborted } from "../common/errors";

export interface Lease<M> {
  readonly model: M;
  /** Once; later calls do nothing. */
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
  readonly resolve: (lease: Lease<M>) => void;
  readonly reject: (error: unknown) => void;
}

interface UnloadRequest {
  readonly type: "unload";
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Loaded<M> {
  readonly directory: string;
  readonly model: M;
  leases: number;
  /** Broken: the next lease loads it anew. */
  retired: boolean;
}

/**
 * One model at a time. Work takes a lease on the model it needs; leases on the loaded model are shared. A request for
 * another model waits until the last lease is released, and everything after it waits behind it: nobody starves.
 */
export class ModelGate<M> {
  private loaded: Loaded<M> | undefined;
  private readonly waiting: (LeaseRequest<M> | UnloadRequest)[] = [];
  private swapping = false;
  /** Of the load that is under way. */
  private loading: AbortController | undefined;
  /** The last change of model, over or not. */
  private settled: Promise<void> = Promise.resolve();
  private closed = false;

  /** `onIdle` hears whether a model is loaded that nobody uses, whenever that may have changed. */
  constructor(
    private readonly loader: ModelLoader<M>,
    private readonly onIdle: (idle: boolean) => void = () => {},
  ) {}

  get current(): { readonly directory: string; readonly model: M } | undefined {
    return this.loaded;
  }

  get numLeases(): number {
    return this.loaded?.leases ?? 0;
  }

  /** Whether a lease on `directory` would have to wait for other work to end. */
  wouldWait(directory: string): boolean {
    const other = this.loaded !== undefined && this.loaded.directory !== directory && this.loaded.leases > 0;
    return other || this.waiting.some((request) => request.type === "unload" || request.directory !== directory);
  }

  acquire(directory: string, signal?: AbortSignal): Promise<Lease<M>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new AbortedError());
      const request: LeaseRequest<M> = { type: "lease", directory, signal, resolve, reject };
      signal?.addEventListener("abort", () => this.cancel(request), { once: true });
      this.enqueue(request);
    });
  }

  /** Frees the loaded model, once what was asked for before is done with it. */
  unload(): Promise<void> {
    return new Promise((resolve, reject) => this.enqueue({ type: "unload", resolve, reject }));
  }

  /** Ends a load that is under way; everybody who waits for that model hears that it was cancelled. */
  cancelLoad(): void {
    this.loading?.abort();
  }

  /** The loaded model is not to be leased again: the next lease loads it anew. */
  retire(model: M): void {
    if (this.loaded?.model === model) this.loaded.retired = true;
  }

  /** Refuses what waits and all that comes, then frees the model whether it is leased or not. */
  async close(): Promise<void> {
    this.closed = true;
    for (const request of this.waiting.splice(0)) request.reject(shuttingDown());
    this.cancelLoad();
    await this.settled;
    await this.drop();
  }

  private enqueue(request: LeaseRequest<M> | UnloadRequest): void {
    if (this.closed) {
      request.reject(shuttingDown());
      return;
    }
    this.waiting.push(request);
    this.serve();
  }

  private serve(): void {
    while (!this.swapping) {
      const next = this.waiting[0];
      if (next === undefined) return;
      const { loaded } = this;
      if (next.type === "lease" && loaded?.directory === next.directory && !loaded.retired) {
        this.waiting.shift();
        next.resolve(this.lease(loaded));
        continue;
      }
      if (this.numLeases > 0) return;
      this.swapping = true;
      this.settled = this.change(next).finally(() => {
        this.swapping = false;
        this.serve();
      });
    }
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
  private async change(request: LeaseRequest<M> | UnloadRequest): Promise<void> {
    try {
      if (request.type === "lease") throwIfAborted(request.signal);
      await this.drop();
      if (request.type === "unload") {
        this.remove(request);
        request.resolve();
        return;
      }
      const model = await this.load(request);
      this.loaded = { directory: request.directory, model, leases: 0, retired: false };
    } catch (error) {
      this.remove(request);
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

  /** Otherwise the next in the queue would start the same load again. */
  private refuse(directory: string): void {
    for (const request of [...this.waiting]) {
      if (request.type !== "lease" || request.directory !== directory) continue;
      this.remove(request);
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
    if (!this.remove(request)) return;
    request.reject(new AbortedError());
    this.serve();
  }

  private remove(request: LeaseRequest<M> | UnloadRequest): boolean {
    const index = this.waiting.indexOf(request);
    if (index >= 0) this.waiting.splice(index, 1);
    return index >= 0;
  }
}

function shuttingDown(): AbortedError {
  return new AbortedError("the engine is shutting down");
}
