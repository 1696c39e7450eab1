import type { BenchRow } from "../protocol/service";
import type { PeerName, Sample, Workload } from "./peers";
import { median, percentiles } from "./statistics";

export const ownEngine = "resident";

export interface Measured {
  readonly engine: string;
  readonly threads: number;
  readonly samples: readonly Sample[];
  readonly settings?: string;
}

/** Times are those of a whole prompt, or of one step of all sequences. The rate is the median of the repeats. */
export function throughputRow(name: string, workload: Workload, measured: Measured): BenchRow {
  const { measure, promptTokens, sequences } = workload;
  const { engine, threads, samples, settings } = measured;
  const timeMs = ({ tokens, ms }: Sample) => (measure === "prefill" ? ms : (ms * sequences) / tokens);
  return {
    case: name,
    ...percentiles(samples.map(timeMs)),
    engine,
    tokensPerSecond: medianRate(samples),
    threads,
    promptTokens,
    ...(measure === "prefill" ? {} : { sequences }),
    ...(settings ? { settings } : {}),
  };
}

/** Replaces the rows of a peer that could not be measured. */
export function notRunRow(peer: PeerName, reason: string): BenchRow {
  return { case: `${peer}: not run`, ...percentiles([]), engine: peer, reason };
}

/** Tokens per second of all sequences. */
export function medianRate(samples: readonly Sample[]): number {
  return median(samples.map(({ tokens, ms }) => (tokens / ms) * 1000));
}
