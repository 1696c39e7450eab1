import type { AdmissionPlan } from "./admission";
import { asResidentError } from "./failure";
import type { GenerationTask } from "./generationTask";
import type { Requests } from "./requests";
import type { Space } from "./space";

/** Starts waiting requests in order while there are blocks for them. */
export class Admitter {
  constructor(
    private readonly requests: Requests,
    private readonly space: Space,
    /** Most requests that may run at the same time. */
    private readonly maxSequences: number,
  ) {}

  /** `false`: no request was started and none failed. */
  admit(): boolean {
    const { requests } = this;
    let admitted = false;
    for (let task = requests.queue.head; task !== undefined && this.mayStart(task); task = requests.queue.head) {
      const next = task;
      try {
        const plan = next.planAdmission(requests.running.length);
        if (plan.missingBlocks > 0 || plan.missingWindowBlocks > 0) {
          if (this.findSpace(next, plan)) continue;
          break;
        }
        requests.start(next, () => next.admit(plan));
      } catch (error) {
        requests.fail(next, asResidentError(error));
      }
      admitted = true;
    }
    for (const [requestsAhead, task] of requests.queue.inOrder().entries()) task.emitQueued(requestsAhead);
    return admitted;
  }

  /** A restore that waits for blocks goes before later requests and before all read-aheads. */
  private mayStart(task: GenerationTask): boolean {
    if (this.requests.running.length >= this.maxSequences || this.requests.anyPaused) return false;
    const { firstArrival } = this.space;
    return firstArrival === undefined || (task.arrival < firstArrival && task.priority === "normal");
  }

  /**
   * Takes blocks from idle caches first. When nothing runs that could release blocks, it releases the old caches of the
   * latest waiting requests: two waiting requests that each hold the blocks the other needs would wait for ever. Last,
   * it releases the request's own old cache, which may share blocks with idle caches. `false`: wait for a change.
   */
  private findSpace(task: GenerationTask, { missingBlocks, missingWindowBlocks }: AdmissionPlan): boolean {
    const { running, queue } = this.requests;
    const found = missingWindowBlocks > 0 ? "none" : this.space.find(missingBlocks, task.sparesRanksBelow);
    if (found !== "none" || running.length > 0) return found === "available";
    if (queue.releaseLastCache(task) || task.releaseOldCache()) return true;
    // Nothing else will ever make room for it.
    const isLast = task.sparesRanksBelow !== undefined && missingWindowBlocks === 0 && !this.space.anyInUse;
    return isLast && this.space.find(missingBlocks) === "available";
  }
}
