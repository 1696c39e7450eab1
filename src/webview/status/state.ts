import type { MetricSample, StatusSnapshot, StatusUpdate } from "../../protocol/status";

/** How far the sparklines reach. */
const historyMs = 5 * 60_000;

export function reduceStatus(state: StatusSnapshot | undefined, update: StatusUpdate): StatusSnapshot | undefined {
  if (update.type === "snapshot") return update.snapshot;
  if (!state) return undefined; // the snapshot that is on its way has it
  const { status } = state;
  switch (update.type) {
    case "engine":
      return { ...state, engine: update.engine, status: { ...status, engine: update.engine.state } };
    case "metrics": {
      const { pool: _, nextModel: __, ...rest } = status;
      const { metrics, pool, nextModel, sample } = update;
      return {
        ...state,
        status: { ...rest, metrics, ...(pool ? { pool } : {}), ...(nextModel ? { nextModel } : {}) },
        samples: sample ? appended(state.samples, sample) : state.samples,
      };
    }
    case "agents":
      return { ...state, status: { ...status, agents: update.agents } };
    case "threads":
      return { ...state, status: { ...status, threads: update.threads } };
    case "store":
      return { ...state, status: { ...status, store: update.store } };
    case "bench": {
      const { benchRunning: _, ...rest } = status;
      return { ...state, status: { ...rest, ...(update.running ? { benchRunning: update.running } : {}) } };
    }
    case "report":
      return { ...state, status: { ...status, lastBench: [...status.lastBench, update.report] } };
  }
}

function appended(samples: readonly MetricSample[], sample: MetricSample): readonly MetricSample[] {
  return [...samples.filter(({ at }) => sample.at - at < historyMs), sample];
}
