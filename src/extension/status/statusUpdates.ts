import type { ServiceStatus } from "../../protocol/service";
import type { MetricSample, StatusUpdate } from "../../protocol/status";

/** The updates that change a page from `before` to `after`. The engine has updates of its own. */
export function statusUpdates(
  before: ServiceStatus | undefined,
  after: ServiceStatus,
  sample: MetricSample | undefined,
): readonly StatusUpdate[] {
  const changed = (part: (status: ServiceStatus) => unknown) =>
    before === undefined || JSON.stringify(part(before)) !== JSON.stringify(part(after));
  const { metrics, pool, nextModel, agents, threads, store, benchRunning } = after;
  const updates: StatusUpdate[] = [];
  if (sample || changed((status) => [status.metrics, status.pool, status.nextModel])) {
    updates.push({
      type: "metrics",
      metrics,
      ...(pool ? { pool } : {}),
      ...(nextModel ? { nextModel } : {}),
      ...(sample ? { sample } : {}),
    });
  }
  if (changed((status) => status.agents)) updates.push({ type: "agents", agents });
  if (changed((status) => status.threads)) updates.push({ type: "threads", threads });
  if (changed((status) => status.store)) updates.push({ type: "store", store });
  if (changed((status) => status.benchRunning)) {
    updates.push({ type: "bench", ...(benchRunning ? { running: benchRunning } : {}) });
  }
  return updates;
}
