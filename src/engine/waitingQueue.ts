import type { GenerationTask } from "./generationTask";

/** Requests that wait for blocks or a free place: in order of arrival, normal before low. */
export class WaitingQueue {
  private readonly normal: GenerationTask[] = [];
  private readonly low: GenerationTask[] = [];
  private numArrivals = 0;

  get length(): number {
    return this.normal.length + this.low.length;
  }

  /** Number of requests added so far: shows whether one came since. */
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

  /** Puts a pre-empted request before all others of its priority. */
  addFirst(task: GenerationTask): void {
    this.lane(task).unshift(task);
  }

  /** Releases the old cache of the last request that has one, except `except`; `false` when there is none. */
  releaseLastCache(except?: GenerationTask): boolean {
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
