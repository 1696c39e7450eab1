import type { Clock } from "../engine/ports";
import type { ModelAccess } from "./ports";

/** What a person waits for before an answer is submitted. Begins with the message's arrival. */
export class Wait {
  private readonly beganMs: number;
  private leaseMs = 0;
  private modelWasThere = true;
  private modelMs: number | undefined;

  constructor(private readonly clock: Clock) {
    this.beganMs = clock.nowMs();
  }

  /** To be called before the model is leased. */
  beginLease(models: ModelAccess, directory: string): void {
    this.leaseMs = this.clock.nowMs();
    this.modelWasThere = models.loaded(directory) !== undefined && models.isFree(directory);
  }

  /** To be called when the lease is there. */
  endLease(): void {
    if (!this.modelWasThere) this.modelMs = this.clock.nowMs() - this.leaseMs;
  }

  /** To be called with the submit. */
  submitted(): { readonly beforeSubmitMs: number; readonly modelMs?: number } {
    const beforeSubmitMs = this.clock.nowMs() - this.beganMs;
    return { beforeSubmitMs, ...(this.modelMs === undefined ? {} : { modelMs: this.modelMs }) };
  }
}
