import type { ResidentError } from "../common/errors";
import { asResidentError } from "./failure";
import type { GenerationTask } from "./generationTask";
import type { Priority } from "./request";
import { WaitingQueue } from "./waitingQueue";

/** All requests that have not ended: waiting ones, and running ones in order of admission. */
export class Requests {
  readonly queue = new WaitingQueue();
  private inOrder: GenerationTask[] = [];
  private paused: readonly GenerationTask[] = [];

  /** `callListener` runs code that calls listeners and logs its errors. */
  constructor(private readonly callListener: (listener: () => void) => void) {}

  get running(): readonly GenerationTask[] {
    return this.inOrder;
  }

  get all(): readonly GenerationTask[] {
    return [...this.inOrder, ...this.queue.inOrder()];
  }

  /** Sets the running requests that lacked blocks for the last step. While one of them runs, no request starts. */
  setPaused(tasks: readonly GenerationTask[]): void {
    this.paused = tasks;
  }

  get anyPaused(): boolean {
    return this.paused.some((task) => task.state === "running" && !task.isEnding);
  }

  /** A request may continue or start when blocks become available. */
  get anyWaiting(): boolean {
    return this.queue.length > 0 || this.anyPaused;
  }

  /**
   * Blocks that a restore must leave: as many as admission leaves; for a read-ahead also all that answers will need.
   */
  headroomFor(priority: Priority): number {
    const numRunning = this.inOrder.length;
    if (priority === "normal") return numRunning;
    const answers = this.all.filter((task) => task.priority === "normal");
    return answers.reduce((sum, task) => sum + task.expectedBlocks, numRunning);
  }

  /** waiting → running; `admit` does the work. */
  start(task: GenerationTask, admit: () => void): void {
    this.queue.delete(task);
    this.inOrder.push(task);
    admit();
  }

  /** running → waiting: another request needs its blocks; it restarts when there are enough for it. */
  preempt(task: GenerationTask): void {
    this.inOrder = this.inOrder.filter((other) => other !== task);
    task.preempt();
    this.queue.addFirst(task);
  }

  fail(task: GenerationTask, error: ResidentError): void {
    this.remove(task);
    this.callListener(() => task.fail(error));
  }

  /** Carries out the decided ending. Not while the request is in a run. */
  conclude(task: GenerationTask): void {
    this.remove(task);
    try {
      task.conclude();
    } catch (error) {
      this.callListener(() => task.fail(asResidentError(error)));
    }
  }

  /** Ends the requests whose ending was decided during a step. `false`: there were none. */
  concludeEnded(): boolean {
    const ended = this.inOrder.filter((task) => task.isEnding);
    for (const task of ended) this.conclude(task);
    return ended.length > 0;
  }

  private remove(task: GenerationTask): void {
    this.queue.delete(task);
    this.inOrder = this.inOrder.filter((other) => other !== task);
  }
}
