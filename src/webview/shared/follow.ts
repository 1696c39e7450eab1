/** Distance from the end, in CSS pixels, within which the reader counts as being at the end. */
const slack = 24;

export interface FollowEvents {
  readonly scrolled: () => void;
  /** The reader chose "New text". The button is hidden now, so the focus must go elsewhere. */
  readonly jumped: () => void;
}

/**
 * Keeps a transcript at its end while the reader is there. Otherwise it leaves the scroll position alone and shows a "New
 * text" button when something was added that the reader has not seen.
 */
export class Follow {
  private following = true;
  private lastTop = 0;
  /** Where the view is held after a reload, until the person scrolls: heights above it change while turns are laid out. */
  private held: (() => number) | undefined;
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
    for (const input of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      log.addEventListener(input, () => this.release(), { passive: true });
    }
    const resized = new ResizeObserver(() => this.settle());
    resized.observe(log);
    // An element gets its real height when it comes near the view, not when it is rendered.
    for (const content of log.children) resized.observe(content);
  }

  /** Where the reader is; `undefined` at the end. */
  get scrollTop(): number | undefined {
    return this.following ? undefined : this.log.scrollTop;
  }

  /** Scrolls to where the reader was before a reload, also when heights change after this; `undefined`: to the end. */
  restore(scrollTop: (() => number) | undefined): void {
    this.following = scrollTop === undefined;
    this.held = scrollTop;
    this.seenEnd = this.end;
    this.settle();
  }

  toEnd(): void {
    this.release();
    this.following = true;
    this.settle();
  }

  /** For a change that the reader asks for: what is above it stays in its place, also when the end moves away. */
  keepPlace(change: () => void): void {
    this.release();
    change();
    this.following = this.isAtEnd;
    this.settle();
  }

  /** To be called after every render. `end` identifies what the transcript ends with: another value means new text. */
  rendered(end: string): void {
    this.end = end;
    this.settle();
  }

  private settle(): void {
    if (this.following) {
      this.log.scrollTop = this.log.scrollHeight;
      this.lastTop = this.log.scrollTop;
      this.seenEnd = this.end;
    } else if (this.held) {
      this.log.scrollTop = this.held();
      this.lastTop = this.log.scrollTop;
    }
    this.button.hidden = this.seenEnd === this.end;
  }

  private get isAtEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    return scrollHeight - scrollTop - clientHeight <= slack;
  }

  private release(): void {
    this.held = undefined;
  }

  private scrolled(): void {
    // Another place than the one that is held was chosen: by the keyboard elsewhere in the page, or by a search.
    if (this.held && Math.abs(this.held() - this.log.scrollTop) > 2) this.release();
    if (this.held) return;
    const { scrollTop } = this.log;
    // New text moves the end away from a reader who did not scroll. Only scrolling up stops the following.
    this.following = this.isAtEnd || (this.following && scrollTop >= this.lastTop);
    this.lastTop = scrollTop;
    if (this.following) this.seenEnd = this.end;
    this.button.hidden = this.seenEnd === this.end;
    this.events.scrolled();
  }
}
