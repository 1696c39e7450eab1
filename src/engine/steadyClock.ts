import type { Clock } from "./ports";

/** A clock that tells its last time where `clock` throws or goes back: times are figures, no request may fail for them. */
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
