import type { EngineMetrics } from "../../protocol/service";
import type { MetricSample } from "../../protocol/status";

const historyMs = 5 * 60_000;
const sampleMs = 1000;

/** The last five minutes of the rates, one sample a second. */
export class MetricHistory {
  private kept: readonly MetricSample[] = [];

  get samples(): readonly MetricSample[] {
    return this.kept;
  }

  /** The new sample, or nothing when the last one is younger than a second. */
  take(metrics: EngineMetrics, at: number): MetricSample | undefined {
    const last = this.kept.at(-1);
    if (last && at - last.at < sampleMs) return undefined;
    const { decodeTokensPerSecond, prefillTokensPerSecond, ttftP50Ms, ttftP95Ms } = metrics;
    const sample: MetricSample = { at, decodeTokensPerSecond, prefillTokensPerSecond, ttftP50Ms, ttftP95Ms };
    this.kept = [...this.kept.filter((old) => at - old.at < historyMs), sample];
    return sample;
  }
}
