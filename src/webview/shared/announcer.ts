/** The page's one polite live region. It says what changed; never the text that streams. */
export class Announcer {
  readonly element = document.createElement("div");
  private last = "";

  constructor() {
    this.element.className = "sr";
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  /** What the page is at: said once until it is something else. */
  say(text: string): void {
    if (text === "" || text === this.last) return;
    this.last = text;
    this.element.textContent = text;
  }

  /** What a person did: said each time, also twice in a row. */
  tell(text: string): void {
    if (text === "") return;
    this.last = "";
    // Only a text that differs is read out.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }
}
