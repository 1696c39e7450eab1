import type { Clock } from "./ports";

/** Upper bounds of the buckets: 1 ms … 9 min, each ×1.25, so a percentile is right within 25 %. */
const bucketBoundsMs = Float64Array.from({ length: 60 }, (_, index) => 1.25 ** index);
const longestMs = 1.25 ** bucketBoundsMs.length;
const rateWindowSeconds = 5;

/** Durations in exponential buckets: constant memory and time, whatever is recorded. */
export class Histogram {
  private readonly counts = new Float64Array(bucketBoundsMs.length + 1);
  private total = 0;

  record(ms: number): void {
    const bucket = ms <= 1 ? 0 : Math.min(Math.ceil(Math.log(ms) / Math.log(1.25)), bucketBoundsMs.length);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
  }

  get count(): number {
    return this.total;
  }

  /** Upper bound of the bucket that holds the quantile (0…1); 0 when nothing was recorded. */
  quantileMs(quantile: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket += 1) {
      seen += this.counts[bucket] ?? 0;
      if (seen > 0 && seen >= quantile * this.total) return bucketBoundsMs[bucket] ?? longestMs;
    }
    return 0;
  }
}

/** Events per second over the last seconds; one counter per second. */
class RateMeter {
  private readonly counts = new Float64Array(rateWindowSeconds);
  private readonly seconds = new Float64Array(rateWindowSeconds).fill(-1);

  add(nowMs: number, count: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % rateWindowSeconds;
    if (this.seconds[slot] !== second) this.counts[slot] = 0;
    this.seconds[slot] = second;
    this.counts[slot] = (this.counts[slot] ?? 0) + count;
  }

  perSecond(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    let oldest = second;
    let sum = 0;
    this.counts.forEach((count, slot) => {
      const at = this.seconds[slot] ?? -1;
      if (at < 0 || at <= second - rateWindowSeconds) return;
      oldest = Math.min(oldest, at);
      sum += count;
    });
    return sum / Math.max(1, nowMs / 1000 - oldest);
  }
}

/** Counters since the engine started and rates over the last seconds, named as in vLLM. */
export interface MetricsSnapshot {
  /** Share of the pool that is referenced, 0…1. */
  readonly kvCacheUsage: number;
  /** Prompt tokens looked up, and prompt tokens found in caches. */
  readonly prefixCacheQueries: number;
  readonly prefixCacheHits: number;
  readonly numRequestsRunning: number;
  readonly numRequestsWaiting: number;
  /** Requests that lost their blocks to an older one and had to restart. */
  readonly numPreemptions: number;
  readonly decodeTokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
  readonly ttftP50Ms: number;
  readonly ttftP95Ms: number;
  readonly interTokenP50Ms: number;
  readonly interTokenP95Ms: number;
}

export class EngineMetrics {
  private readonly timeToFirstToken = new Histogram();
  private readonly interTokenLatency = new Histogram();
  private readonly decodeRate = new RateMeter();
  private readonly prefillRate = new RateMeter();
  private queries = 0;
  private hits = 0;
  private preemptions = 0;

  constructor(private readonly clock: Clock) {}

  countPrompt(promptTokens: number, reusedTokens: number): void {
    this.queries += promptTokens;
    this.hits += reusedTokens;
  }

  /** `ms` since submit for a first token, else since the token before. */
  countToken({ first, ms }: { readonly first: boolean; readonly ms: number }): void {
    (first ? this.timeToFirstToken : this.interTokenLatency).record(ms);
    if (!first) this.decodeRate.add(this.clock.nowMs(), 1);
  }

  countPreemption(): void {
    this.preemptions += 1;
  }

  countPrefill(tokens: number): void {
    if (tokens > 0) this.prefillRate.add(this.clock.nowMs(), tokens);
  }

  snapshot(now: Pick<MetricsSnapshot, "kvCacheUsage" | "numRequestsRunning" | "numRequestsWaiting">): MetricsSnapshot {
    const nowMs = this.clock.nowMs();
    return {
      ...now,
      prefixCacheQueries: this.queries,
      prefixCacheHits: this.hits,
      numPreemptions: this.preemptions,
      decodeTokensPerSecond: this.decodeRate.perSecond(nowMs),
      prefillTokensPerSecond: this.prefillRate.perSecond(nowMs),
      ttftP50Ms: this.timeToFirstToken.quantileMs(0.5),
      ttftP95Ms: this.timeToFirstToken.quantileMs(0.95),
      interTokenP50Ms: this.interTokenLatency.quantileMs(0.5),
      interTokenP95Ms: this.interTokenLatency.quantileMs(0.95),
    };
  }
}
