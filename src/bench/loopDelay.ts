import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { type Percentiles, percentiles } from "./statistics";

/** How late the loop of a thread was. */
export interface LoopDelay extends Percentiles {
  readonly maxMs: number;
  /** The same by Node's own histogram. */
  readonly histogramP99Ms: number;
  readonly histogramMaxMs: number;
  /** Without the time in which the thread was ready and had no processor; absent where the system does not count it. */
  readonly ownP99Ms?: number;
  readonly ownMaxMs?: number;
  /** Percentage of the time in which the loop was busy. */
  readonly busyPercent: number;
}

const periodMs = 1;

/**
 * Measures by how much a timer of 1 ms comes late in the thread that calls it, until `stop`. With more busy threads than
 * processors a thread also waits for a processor: that part is subtracted where the system counts it.
 */
export class LoopDelayProbe {
  private readonly lateMs: number[] = [];
  private readonly ownMs: number[] = [];
  private readonly waiting = ProcessorWait.open();
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: periodMs });
  private readonly before = performance.eventLoopUtilization();
  private dueMs = performance.now() + periodMs;
  private readonly timer = setInterval(() => this.tick(), periodMs);

  constructor() {
    this.histogram.enable();
  }

  stop(): LoopDelay {
    clearInterval(this.timer);
    this.histogram.disable();
    this.tick(); // a delay that goes on until now counts
    this.waiting?.close();
    const { utilization } = performance.eventLoopUtilization(this.before);
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - periodMs);
    return {
      ...percentiles(this.lateMs),
      maxMs: greatest(this.lateMs),
      histogramP99Ms: late(this.histogram.percentile(99)),
      histogramMaxMs: late(this.histogram.max),
      ...(this.waiting && { ownP99Ms: percentiles(this.ownMs).p99Ms, ownMaxMs: greatest(this.ownMs) }),
      busyPercent: utilization * 100,
    };
  }

  private tick(): void {
    const nowMs = performance.now();
    const late = Math.max(0, nowMs - this.dueMs);
    this.lateMs.push(late);
    if (this.waiting) this.ownMs.push(Math.max(0, late - this.waiting.sinceLastMs()));
    this.dueMs = performance.now() + periodMs;
  }
}

/** How long the calling thread was ready to run and had no processor: the second number of Linux's schedstat. */
class ProcessorWait {
  private readonly bytes = Buffer.alloc(64);
  private lastNs: number;

  private constructor(private readonly file: number) {
    this.lastNs = this.readNs();
  }

  static open(): ProcessorWait | undefined {
    const file = "/proc/thread-self/schedstat";
    return existsSync(file) ? new ProcessorWait(openSync(file, "r")) : undefined;
  }

  sinceLastMs(): number {
    const before = this.lastNs;
    this.lastNs = this.readNs();
    return (this.lastNs - before) / 1e6;
  }

  close(): void {
    closeSync(this.file);
  }

  private readNs(): number {
    const length = readSync(this.file, this.bytes, 0, this.bytes.length, 0);
    return Number(this.bytes.toString("latin1", 0, length).split(" ")[1] ?? 0);
  }
}

function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
