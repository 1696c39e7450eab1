import type { BenchRow } from "../protocol/service";
import { percentiles } from "./statistics";

/** What bounds decode on this machine, and what computes. */
export interface Roofline {
  /** Operations and, for the CPU kernels, their instruction set: "cpu avx512vnni". */
  readonly ops: string;
  readonly threads: number;
  /** That all threads together read from memory. */
  readonly readBytesPerSecond: number;
  /** Weights that one step reads. */
  readonly stepWeightBytes: number;
}

/** Of the same machine at two times. */
export function meanRoofline(one: Roofline, other: Roofline): Roofline {
  return { ...one, readBytesPerSecond: (one.readBytesPerSecond + other.readBytesPerSecond) / 2 };
}

/** How near `tokensPerSecond` of one sequence comes to what the memory could deliver in weights alone. */
export function underRoof({ stepWeightBytes, readBytesPerSecond }: Roofline, tokensPerSecond: number) {
  const weightBytesPerSecond = stepWeightBytes * tokensPerSecond;
  return { weightBytesPerSecond, ofReadBandwidth: weightBytesPerSecond / readBytesPerSecond };
}

export function rooflineRow({ ops, threads, readBytesPerSecond, stepWeightBytes }: Roofline): BenchRow {
  return {
    case: "memory read",
    ...percentiles([]),
    engine: "memory",
    ops,
    threads,
    readBytesPerSecond,
    stepWeightBytes,
  };
}
