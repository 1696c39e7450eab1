import type { AdmissionPlan } from "./admission";
import { asResidentError } from "./failure";
import type { GenerationTask } from "./generationTask";
import type { Requests } from "./requests";
import type { Space } from "./space";

/** Starts waiting requests, in their order, as far as there are blocks. */
export class Admitter {
  constructor(
    private readonly requests: Requests,
    private readonly space: Space,
    /** Requests that run at the same time. */
    private readonly maxSequences: number,
  ) {}

  /** `false`: none was started, and none failed. */
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
    for (const [requestsAhead, task] of requests.queue.inOrder().entries()) task.tellQueued(requestsAhead);
    return admitted;
  }

  /** A restore that waits for blocks comes before requests that came later, and before all read-aheads. */
  private mayStart(task: GenerationTask): boolean {
    if (this.requests.running.length >= this.maxSequences || this.requests.someonePauses) return false;
    const { firstArrival } = this.space;
    return firstArrival === undefined || (task.arrival < firstArrival && task.priority === "normal");
  }

  /**
   * Idle caches first. Where nothing runs that would give blocks back, the waiting ones that came last lose their old
   * caches: two that wait, each holding what the other lacks, would wait for ever. At last the request gives up its own,
   * which may share blocks with idle ones. `false`: wait for a change.
   */
  private findSpace(task: GenerationTask, { missingBlocks, missingWindowBlocks }: AdmissionPlan): boolean {
    const { running, queue } = this.requests;
    const found = missingWindowBlocks > 0 ? "none" : this.space.find(missingBlocks);
    if (found !== "none" || running.length > 0) return found === "available";
    return queue.takeLastCache(task) || task.releaseOldCache();
  }
}
