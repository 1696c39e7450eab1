import type { Clock } from "./ports";

/**
 * Repeats its last time when `clock` throws or goes back: times are only figures, so no request may fail because of
 * them.
 */
export class SteadyClock implements Clock {
  private lastMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  nowMs(): number {
    try {
      this.lastMs = Math.max(this.lastMs, this.clock.nowMs());
    } catch (error) {
      this.onError(error);
    }
    return this.lastMs;
  }
}
