import type { GenerationTask } from "./generationTask";
import type { LiveTables } from "./liveTables";
import type { Requests } from "./requests";
import type { PlannedRow, StepPlan } from "./scheduler";
import type { Space } from "./space";

type Row = PlannedRow<GenerationTask>;

/** Where a step may take the blocks that it needs from. */
export interface BlockSources {
  readonly tables: LiveTables;
  readonly space: Space;
  readonly requests: Requests;
}

/**
 * The part of the plan that can run now: every row has the blocks that it will write. The blocks come from idle caches,
 * then from the youngest requests (read-aheads first), which are pre-empted and restart later. A request that still
 * lacks blocks pauses for the step and is listed in `paused`. The run is shortened before any block is taken from
 * others.
 */
export function secureRows(
  plan: StepPlan<GenerationTask>,
  sources: BlockSources,
): { readonly plan: StepPlan<GenerationTask>; readonly paused: readonly GenerationTask[] } {
  let { steps } = plan;
  while (steps > 1 && !fits(plan.rows, steps, sources.tables)) steps = Math.floor(steps / 2);
  const age = new Map(sources.requests.running.map((task, index) => [task, index]));
  const oldestFirst = [...plan.rows].sort((a, b) => (age.get(a.request) ?? 0) - (age.get(b.request) ?? 0));
  const paused = new Set<Row>();
  for (const row of oldestFirst) {
    if (row.request.state === "running" && !secureRow(row, steps, sources)) paused.add(row);
  }
  const rows = plan.rows.filter((row) => row.request.state === "running" && !paused.has(row));
  return { plan: { rows, steps, guesses: plan.guesses }, paused: [...paused].map((row) => row.request) };
}

function fits(rows: readonly Row[], steps: number, tables: LiveTables): boolean {
  const lacking = rows.reduce((sum, row) => sum + row.request.lackingFor(row, steps), 0);
  const windowLacking = rows.reduce((sum, row) => sum + row.request.windowLackingFor(row, steps), 0);
  return lacking <= tables.pool.availableBlocks && (windowLacking === 0 || windowLacking <= tables.windowRoom());
}

function secureRow(row: Row, steps: number, { space, requests }: BlockSources): boolean {
  for (let lacking = row.request.secure(row, steps); lacking !== undefined; lacking = row.request.secure(row, steps)) {
    // Alone, there is no other way.
    const spared = requests.running.length > 1 ? row.request.sparesRanksBelow : undefined;
    const found = lacking.layers === "window" ? "none" : space.find(lacking.blocks, spared);
    if (found === "available") continue;
    if (found === "soon") return false;
    const victim = victimFor(row.request, requests.running);
    if (victim !== undefined) requests.preempt(victim);
    else if (requests.running.length > 1 || !requests.queue.releaseLastCache()) return false;
  }
  return true;
}

function victimFor(task: GenerationTask, running: readonly GenerationTask[]): GenerationTask | undefined {
  const younger = running.slice(running.indexOf(task) + 1);
  const others = task.priority === "low" ? younger : running.filter((other) => other !== task);
  const low = others.filter((other) => other.priority === "low" && !other.isEnding).at(-1);
  return low ?? younger.filter((other) => !other.isEnding).at(-1);
}
