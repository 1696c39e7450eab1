/** The page's one polite live region. It says what changed, once each; never the text that streams. */
export class Announcer {
  readonly element = document.createElement("div");
  private last = "";

  constructor() {
    this.element.className = "sr";
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  say(text: string): void {
    if (text === "" || text === this.last) return;
    this.last = text;
    this.element.textContent = text;
  }
}
