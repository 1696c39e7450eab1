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

interface Request<M> {
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (lease: Lease<M>) => void;
  readonly reject: (error: unknown) => void;
}

interface Loaded<M> {
  readonly directory: string;
  readonly model: M;
  leases: number;
}

/**
 * One model at a time. Work takes a lease on the model it needs; leases on the loaded model are shared. A request for
 * another model waits until the last lease is released, and everything after it waits behind it: nobody starves.
 */
export class ModelGate<M> {
  private loaded: Loaded<M> | undefined;
  private readonly waiting: Request<M>[] = [];
  private swapping = false;
  /** The last change of model, over or not. */
  private settled: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly loader: ModelLoader<M>) {}

  get current(): { readonly directory: string; readonly model: M } | undefined {
    return this.loaded;
  }

  /** Whether a lease on `directory` would have to wait for other work to end. */
  wouldWait(directory: string): boolean {
    const other = this.loaded !== undefined && this.loaded.directory !== directory && this.loaded.leases > 0;
    return other || this.waiting.some((request) => request.directory !== directory);
  }

  get numLeases(): number {
    return this.loaded?.leases ?? 0;
  }

  acquire(directory: string, signal?: AbortSignal): Promise<Lease<M>> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new AbortedError("the engine is shutting down"));
      const request = { directory, signal, resolve, reject };
      signal?.addEventListener("abort", () => this.cancel(request), { once: true });
      this.waiting.push(request);
      this.serve();
    });
  }

  /** Frees the loaded model once its leases are released; requests that wait then load theirs. */
  async unload(): Promise<void> {
    if (this.loaded === undefined || this.swapping) return;
    await this.swap(async () => {
      await this.drop();
    });
  }

  /** Refuses what waits and all that comes, then frees the model whether it is leased or not. */
  async close(): Promise<void> {
    this.closed = true;
    for (const request of this.waiting.splice(0)) request.reject(new AbortedError("the engine is shutting down"));
    await this.settled;
    await this.drop();
  }

  private serve(): void {
    while (!this.swapping) {
      const next = this.waiting[0];
      if (next === undefined) return;
      if (this.loaded?.directory !== next.directory) {
        if (this.numLeases > 0) return;
        void this.swap(() => this.loadFor(next));
        return;
      }
      this.waiting.shift();
      next.resolve(this.lease(this.loaded));
    }
  }

  private lease(loaded: Loaded<M>): Lease<M> {
    loaded.leases += 1;
    let released = false;
    return {
      model: loaded.model,
      release: () => {
        if (released) return;
        released = true;
        loaded.leases -= 1;
        this.serve();
      },
    };
  }

  /** Runs `change` while nothing is leased out; afterwards serves who waits. */
  private async swap(change: () => Promise<void>): Promise<void> {
    this.swapping = true;
    this.settled = change();
    try {
      await this.settled;
    } finally {
      this.swapping = false;
      this.serve();
    }
  }

  private async loadFor(request: Request<M>): Promise<void> {
    try {
      throwIfAborted(request.signal);
      await this.drop();
      const model = await this.loader.load(request.directory, request.signal);
      this.loaded = { directory: request.directory, model, leases: 0 };
    } catch (error) {
      this.remove(request);
      request.reject(error);
    }
  }

  private async drop(): Promise<void> {
    const { loaded } = this;
    this.loaded = undefined;
    if (loaded !== undefined) await this.loader.unload(loaded.model);
  }

  private cancel(request: Request<M>): void {
    if (!this.remove(request)) return;
    request.reject(new AbortedError());
    this.serve();
  }

  private remove(request: Request<M>): boolean {
    const index = this.waiting.indexOf(request);
    if (index >= 0) this.waiting.splice(index, 1);
    return index >= 0;
  }
}
