import type { BenchRow } from "../protocol/service";
import type { EngineProbe } from "./engineProbe";
import { percentiles } from "./statistics";

const rows = 8;
/** As many as Qwen's vocabularies have, among the largest of common models. */
const words = 151_936;

/** What a step of several answers waits for after the device: choosing their tokens, by one thread and by all. */
export async function samplingRow(probe: Pick<EngineProbe, "samplingMs">): Promise<BenchRow> {
  const oneThreadMs = await probe.samplingMs(rows, words, 1);
  const ms = await probe.samplingMs(rows, words, 0);
  return {
    case: `sampling, ${rows} rows of ${Math.round(words / 1000)}k words`,
    ...percentiles([ms]),
    oneThreadMs,
    ratio: oneThreadMs / Math.max(ms, 0.001),
  };
}
