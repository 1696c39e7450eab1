/** A request that waits for a model; without a directory, it waits for the loaded model to be freed. */
export interface Waiting {
  readonly directory: string | undefined;
}

export interface QueueLimits {
  /** A request joins a batch if the batch's first request came at most this long before it. */
  readonly togetherMs: number;
  /** Most requests in one batch. */
  readonly maxTogether: number;
}

interface Batch<R> {
  readonly openedAtMs: number;
  readonly requests: readonly R[];
}

/**
 * The order in which waiting requests get their models. Requests that come together form a batch, which is served model
 * by model: the loaded one first, then the others in order of their first request. Batches are served in order of
 * arrival, and a batch is limited in time and number, so no request starves. A request to free the model is a batch of
 * its own.
 */
export class ModelQueue<R extends Waiting> {
  private batches: readonly Batch<R>[] = [];

  constructor(private readonly limits: QueueLimits) {}

  /** Time at which the first batch was opened; `undefined` while no request waits. */
  get openedAtMs(): number | undefined {
    return this.batches[0]?.openedAtMs;
  }

  add(request: R, nowMs: number): void {
    const last = this.batches.at(-1);
    if (last && this.isOpen(last, nowMs) && request.directory !== undefined) {
      this.batches = [...this.batches.slice(0, -1), { ...last, requests: [...last.requests, request] }];
    } else {
      this.batches = [...this.batches, { openedAtMs: nowMs, requests: [request] }];
    }
  }

  /** `false`: the request was not waiting any more. */
  remove(request: R): boolean {
    const waits = this.batches.some(({ requests }) => requests.includes(request));
    this.batches = this.batches
      .map((batch) => ({ ...batch, requests: batch.requests.filter((other) => other !== request) }))
      .filter(({ requests }) => requests.length > 0);
    return waits;
  }

  /** All waiting requests in the order in which they would be served from now on. */
  inOrder(loaded: string | undefined): readonly R[] {
    const served: R[] = [];
    let model = loaded;
    for (const { requests } of this.batches) {
      const asked = [...new Set(requests.map(({ directory }) => directory))];
      const models = [...asked.filter((directory) => directory === model), ...asked.filter((other) => other !== model)];
      for (const directory of models) served.push(...requests.filter((request) => request.directory === directory));
      model = models.at(-1);
    }
    return served;
  }

  private isOpen({ openedAtMs, requests }: Batch<R>, nowMs: number): boolean {
    const { togetherMs, maxTogether } = this.limits;
    const isUnload = requests.some(({ directory }) => directory === undefined);
    return !isUnload && requests.length < maxTogether && nowMs - openedAtMs <= togetherMs;
  }
}
