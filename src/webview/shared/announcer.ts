/** The page's one polite live region. It says what changed; never the text that streams. */
export class Announcer {
  readonly element = document.createElement("div");
  private last = "";

  constructor() {
    this.element.className = "sr";
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  /** Says a state of the page, once until it changes. */
  say(text: string): void {
    if (text === "" || text === this.last) return;
    this.last = text;
    this.element.textContent = text;
  }

  /** Says that something was done, each time it is done. */
  tell(text: string): void {
    if (text === "") return;
    this.last = "";
    // A screen reader reads a text out only when it differs from the one before.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }
}
