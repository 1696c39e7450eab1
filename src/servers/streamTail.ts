import type { ServerResponse } from "./serverTransport";

/** Ends a stream that stays open behind the answer's end. One that ends by itself leaves its connection to the next request. */
export class StreamTail {
  isOver = false;
  private ms = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly response: ServerResponse) {}

  /** A later call counts only where it leaves less time. */
  begin(ms: number): void {
    if (ms >= this.ms) return;
    this.ms = ms;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.isOver = true;
      this.response.body.destroy();
    }, ms);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
