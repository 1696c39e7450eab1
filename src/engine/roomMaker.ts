import type { GenerationTask } from "./generationTask";
import type { LiveTables } from "./liveTables";
import type { RoomFinder } from "./roomFinder";
import type { PlannedRow, StepPlan } from "./scheduler";
import type { WaitingQueue } from "./waitingQueue";

type Row = PlannedRow<GenerationTask>;

/** What the room that a step needs may be taken from. */
export interface RoomSources {
  readonly tables: LiveTables;
  readonly queue: WaitingQueue;
  /** Idle caches. */
  readonly finder: RoomFinder;
  /** In order of admission. */
  readonly running: () => readonly GenerationTask[];
  /** Takes a running request's blocks away and puts it back into the queue. */
  readonly preempt: (task: GenerationTask) => void;
}

/**
 * Sees to it that everything in a step has the blocks that it will write. Room comes from idle caches, then from the
 * youngest requests (read aheads before all others), which give their blocks up and begin again later. Who still finds
 * none pauses for the step: an older request that runs will end, or somebody outside will release a cache.
 */
export class RoomMaker {
  private pausing = false;

  constructor(private readonly sources: RoomSources) {}

  /** Somebody who runs waits for blocks: nothing new should start. */
  get someonePauses(): boolean {
    return this.pausing;
  }

  /** The part of the plan that can run now. Fewer steps rather than anybody's blocks. */
  secure(plan: StepPlan<GenerationTask>): StepPlan<GenerationTask> {
    this.pausing = false;
    let { steps } = plan;
    while (steps > 1 && !this.fits(plan.rows, steps)) steps = Math.floor(steps / 2);
    const { running } = this.sources;
    const age = new Map(running().map((task, index) => [task, index]));
    const oldestFirst = [...plan.rows].sort((a, b) => (age.get(a.request) ?? 0) - (age.get(b.request) ?? 0));
    const paused = new Set<Row>();
    for (const row of oldestFirst) {
      if (row.request.state === "running" && !this.secureRow(row, steps)) paused.add(row);
    }
    this.pausing = paused.size > 0;
    const rows = plan.rows.filter((row) => row.request.state === "running" && !paused.has(row));
    return { rows, steps, guesses: plan.guesses };
  }

  private fits(rows: readonly Row[], steps: number): boolean {
    const { tables } = this.sources;
    const lacking = rows.reduce((sum, row) => sum + row.request.lackingFor(row, steps), 0);
    const windowLacking = rows.reduce((sum, row) => sum + row.request.windowLackingFor(row, steps), 0);
    return lacking <= tables.pool.availableBlocks && (windowLacking === 0 || windowLacking <= tables.windowRoom());
  }

  private secureRow(row: Row, steps: number): boolean {
    const { finder, preempt } = this.sources;
    for (let lacking = row.request.secure(row, steps); lacking > 0; lacking = row.request.secure(row, steps)) {
      const room = finder.find(row.request, lacking);
      if (room === "found") continue;
      if (room === "asked") return false;
      const victim = this.victimFor(row.request);
      if (victim !== undefined) preempt(victim);
      else if (this.sources.running().length > 1 || !this.sources.queue.takeLastCache()) return false;
    }
    return true;
  }

  private victimFor(task: GenerationTask): GenerationTask | undefined {
    const running = this.sources.running();
    const younger = running.slice(running.indexOf(task) + 1);
    const others = task.priority === "low" ? younger : running.filter((other) => other !== task);
    const low = others.filter((other) => other.priority === "low" && !other.isEnding).at(-1);
    return low ?? younger.filter((other) => !other.isEnding).at(-1);
  }
}
