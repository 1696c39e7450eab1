/** Distance from the end, in CSS pixels, within which the reader counts as being at the end. */
const slack = 24;

export interface FollowEvents {
  readonly scrolled: () => void;
  /** The reader chose "New text": the button that had the focus is gone. */
  readonly jumped: () => void;
}

/**
 * Keeps a transcript at its end while the reader is there; otherwise its place is left alone, and a "New text" button
 * appears when something was added that the reader has not seen.
 */
export class Follow {
  private following = true;
  private lastTop = 0;
  /** What the transcript ends with, and what it ended with when the reader was last at its end. */
  private end: string | undefined;
  private seenEnd: string | undefined;

  constructor(
    private readonly log: HTMLElement,
    private readonly button: HTMLButtonElement,
    private readonly events: FollowEvents,
  ) {
    log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    button.addEventListener("click", () => {
      this.toEnd();
      events.jumped();
    });
    const resized = new ResizeObserver(() => this.settle());
    resized.observe(log);
    // Contents get their real heights when they come near the view, not when they are rendered.
    for (const content of log.children) resized.observe(content);
  }

  /** Whether the reader is at the end. */
  get atEnd(): boolean {
    return this.following;
  }

  /** Where the reader is; `undefined` at the end. */
  get scrollTop(): number | undefined {
    return this.following ? undefined : this.log.scrollTop;
  }

  /** Where a reload left the reader; `undefined` follows the end. */
  restore(scrollTop: number | undefined): void {
    this.following = scrollTop === undefined;
    this.seenEnd = this.end;
    if (scrollTop !== undefined) {
      this.log.scrollTop = scrollTop;
      this.lastTop = scrollTop;
    }
    this.settle();
  }

  toEnd(): void {
    this.following = true;
    this.settle();
  }

  /** After every render. `end` names what the transcript ends with: another one is something new. */
  rendered(end: string): void {
    this.end = end;
    this.settle();
  }

  private settle(): void {
    if (this.following) {
      this.log.scrollTop = this.log.scrollHeight;
      this.lastTop = this.log.scrollTop;
      this.seenEnd = this.end;
    }
    this.button.hidden = this.seenEnd === this.end;
  }

  private scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    const atEnd = scrollHeight - scrollTop - clientHeight <= slack;
    // The end moves away below a reader who stays: only who goes up leaves it.
    this.following = atEnd || (this.following && scrollTop >= this.lastTop);
    this.lastTop = scrollTop;
    if (this.following) this.seenEnd = this.end;
    this.button.hidden = this.seenEnd === this.end;
    this.events.scrolled();
  }
}
