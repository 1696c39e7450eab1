import type { GenerationTask } from "./generationTask";

/** Requests that fit the pool but not yet: in order of arrival, normal before low. */
export class WaitingQueue {
  private readonly normal: GenerationTask[] = [];
  private readonly low: GenerationTask[] = [];
  private numArrivals = 0;

  get length(): number {
    return this.normal.length + this.low.length;
  }

  /** Counts up: tells whether something came since. */
  get arrivals(): number {
    return this.numArrivals;
  }

  get head(): GenerationTask | undefined {
    return this.normal[0] ?? this.low[0];
  }

  inOrder(): readonly GenerationTask[] {
    return [...this.normal, ...this.low];
  }

  add(task: GenerationTask): void {
    this.lane(task).push(task);
    this.numArrivals += 1;
  }

  /** Puts one that has run already before all others of its lane. */
  putBack(task: GenerationTask): void {
    this.lane(task).unshift(task);
  }

  /** The one that came last and has an old cache, `except` apart, gives it up; `false` when there is none. */
  takeLastCache(except?: GenerationTask): boolean {
    return [...this.inOrder()].reverse().some((task) => task !== except && task.releaseOldCache());
  }

  delete(task: GenerationTask): void {
    const lane = this.lane(task);
    const index = lane.indexOf(task);
    if (index >= 0) lane.splice(index, 1);
  }

  private lane(task: GenerationTask): GenerationTask[] {
    return task.priority === "normal" ? this.normal : this.low;
  }
}
