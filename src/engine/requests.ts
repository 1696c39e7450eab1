import type { ResidentError } from "../common/errors";
import { asResidentError } from "./failure";
import type { GenerationTask } from "./generationTask";
import type { Priority } from "./request";
import { WaitingQueue } from "./waitingQueue";

/** All requests that have not ended: those that wait, and those that run, in order of admission. */
export class Requests {
  readonly queue = new WaitingQueue();
  private inOrder: GenerationTask[] = [];
  private paused: readonly GenerationTask[] = [];

  /** `tell` calls code of others, whose failure is nobody's here. */
  constructor(private readonly tell: (listener: () => void) => void) {}

  get running(): readonly GenerationTask[] {
    return this.inOrder;
  }

  get all(): readonly GenerationTask[] {
    return [...this.inOrder, ...this.queue.inOrder()];
  }

  /** Running requests that lacked blocks for the last step. While one of them runs nothing new starts. */
  setPaused(tasks: readonly GenerationTask[]): void {
    this.paused = tasks;
  }

  get someonePauses(): boolean {
    return this.paused.some((task) => task.state === "running" && !task.isEnding);
  }

  /** Somebody may go on, or start, when blocks become available. */
  get someoneWaits(): boolean {
    return this.queue.length > 0 || this.someonePauses;
  }

  /** Blocks that a restore leaves: as many as admission does; for a read-ahead also what all answers will need. */
  headroomFor(priority: Priority): number {
    const numRunning = this.inOrder.length;
    if (priority === "normal") return numRunning;
    const answers = this.all.filter((task) => task.priority === "normal");
    return answers.reduce((sum, task) => sum + task.blocksToCome, numRunning);
  }

  /** waiting → running, as `admit` does it. */
  start(task: GenerationTask, admit: () => void): void {
    this.queue.delete(task);
    this.inOrder.push(task);
    admit();
  }

  /** running → waiting: an older request needs its blocks; it begins again when there are enough for it. */
  preempt(task: GenerationTask): void {
    this.inOrder = this.inOrder.filter((other) => other !== task);
    task.preempt();
    this.queue.putBack(task);
  }

  fail(task: GenerationTask, error: ResidentError): void {
    this.forget(task);
    this.tell(() => task.fail(error));
  }

  /** Ends it as was decided. Not during a run of it. */
  conclude(task: GenerationTask): void {
    this.forget(task);
    try {
      task.conclude();
    } catch (error) {
      this.tell(() => task.fail(asResidentError(error)));
    }
  }

  /** Ends those of which that was decided during a step. `false`: there were none. */
  concludeEnded(): boolean {
    const ended = this.inOrder.filter((task) => task.isEnding);
    for (const task of ended) this.conclude(task);
    return ended.length > 0;
  }

  private forget(task: GenerationTask): void {
    this.queue.delete(task);
    this.inOrder = this.inOrder.filter((other) => other !== task);
  }
}
