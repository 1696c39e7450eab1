import type { BenchRow } from "../protocol/service";
import { percentiles } from "./statistics";

/** The bounds of decode on this machine, and the operations that compute. */
export interface Roofline {
  /** Operations and, for the CPU kernels, their instruction set: "cpu avx512vnni". */
  readonly ops: string;
  readonly threads: number;
  /** Rate at which all threads together read from memory. */
  readonly readBytesPerSecond: number;
  /** Bytes of weights that one step reads. */
  readonly stepWeightBytes: number;
}

/** The mean of two measurements of the same machine. */
export function meanRoofline(one: Roofline, other: Roofline): Roofline {
  return { ...one, readBytesPerSecond: (one.readBytesPerSecond + other.readBytesPerSecond) / 2 };
}

/** The share of the memory's rate that reading weights takes at `tokensPerSecond` of one sequence. */
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
