/** Distance from the end, in CSS pixels, within which the reader counts as being at the end. */
const slack = 24;

/**
 * Keeps a transcript at its end while the reader is there; otherwise its place is left alone and a "New text" button
 * appears when something was added.
 */
export class Follow {
  private following = true;
  private lastHeight = 0;
  private behind = false;

  constructor(
    private readonly log: HTMLElement,
    private readonly button: HTMLButtonElement,
    private readonly onScroll: () => void,
  ) {
    log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.rendered()).observe(log);
  }

  /** Where the reader is; `undefined` at the end. */
  get scrollTop(): number | undefined {
    return this.following ? undefined : this.log.scrollTop;
  }

  /** Where a reload left the reader; `undefined` follows the end. */
  restore(scrollTop: number | undefined): void {
    this.following = scrollTop === undefined;
    if (scrollTop !== undefined) this.log.scrollTop = scrollTop;
    this.rendered();
  }

  toEnd(): void {
    this.following = true;
    this.rendered();
  }

  /** After every render. */
  rendered(): void {
    const height = this.log.scrollHeight;
    if (this.following) {
      this.log.scrollTop = height;
      this.behind = false;
    } else if (height > this.lastHeight) {
      this.behind = true;
    }
    this.lastHeight = height;
    this.button.hidden = !this.behind;
  }

  private scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    this.following = scrollHeight - scrollTop - clientHeight <= slack;
    if (this.following) this.behind = false;
    this.button.hidden = !this.behind;
    this.onScroll();
  }
}
