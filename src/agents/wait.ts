import type { Clock } from "../engine/ports";
import type { ModelAccess } from "./ports";

/** Measures the time from a message's arrival to its submit. */
export class Wait {
  private readonly beganMs: number;
  private leaseMs = 0;
  private modelWasThere = true;
  private modelMs: number | undefined;
  private committedMs = 0;

  constructor(private readonly clock: Clock) {
    this.beganMs = clock.nowMs();
  }

  /** Call it before the model is leased. */
  beginLease(models: ModelAccess, directory: string): void {
    this.leaseMs = this.clock.nowMs();
    this.modelWasThere = models.loaded(directory) !== undefined && models.isFree(directory);
  }

  /** Call it when the lease was given. */
  endLease(): void {
    if (!this.modelWasThere) this.modelMs = this.clock.nowMs() - this.leaseMs;
  }

  /** Call it when the message is on disk. */
  endCommit(): void {
    this.committedMs = this.clock.nowMs() - this.beganMs;
  }

  /** From the message's arrival until it was on disk: its answer is not shown before. */
  get commitMs(): number {
    return this.committedMs;
  }

  /** Call it with the submit. */
  submitted(): { readonly beforeSubmitMs: number; readonly modelMs?: number } {
    const beforeSubmitMs = this.clock.nowMs() - this.beganMs;
    return { beforeSubmitMs, ...(this.modelMs === undefined ? {} : { modelMs: this.modelMs }) };
  }
}
