import { part } from "./frame";

/** What can have the focus inside a turn. */
const into = "[role=toolbar], button, a[href], summary, textarea, [tabindex='0']";

/**
 * The keyboard in a transcript: all turns (in the room: messages with their answers) together are one tab stop. Up, Down,
 * Home and End move between turns; Enter or Right goes into one, where Up and Down move between its buttons, code and
 * links; Escape steps out.
 */
export class TurnStops {
  /** They get the focus for a moment, so that the browser's own Tab continues from an end of the turns. */
  readonly start = edge();
  readonly end = edge();
  private current: HTMLElement | undefined;
  private tabbing = false;

  /** The children of `turns` are the articles. */
  constructor(private readonly turns: HTMLElement) {
    document.addEventListener(
      "keydown",
      ({ key }) => {
        this.tabbing = key === "Tab";
      },
      true,
    );
    document.addEventListener(
      "pointerdown",
      () => {
        this.tabbing = false;
      },
      true,
    );
    turns.addEventListener("keydown", (event) => this.pressed(event));
    turns.addEventListener("focusin", (event) => this.focused(event));
  }

  /** To be called after turns came or went: the newest one becomes the tab stop, unless the focus is in a turn. */
  listed(): void {
    if (this.current && this.turns.contains(document.activeElement)) return;
    this.become(this.articles.at(-1));
  }

  focusLast(): void {
    this.go(this.articles.at(-1));
  }

  /** Moves the focus from inside a turn to the turn; false when the focus is not inside one. */
  stepOut(): boolean {
    const article = this.turnOf(document.activeElement);
    if (!article || article === document.activeElement) return false;
    this.go(article);
    return true;
  }

  private get articles(): readonly HTMLElement[] {
    return [...this.turns.children].filter((child) => child instanceof HTMLElement);
  }

  private turnOf(node: unknown): HTMLElement | undefined {
    const article = node instanceof Element ? node.closest("article") : null;
    return article instanceof HTMLElement && this.turns.contains(article) ? article : undefined;
  }

  private become(article: HTMLElement | undefined): void {
    if (article === this.current) return;
    if (this.current) this.current.tabIndex = -1;
    if (article) article.tabIndex = 0;
    this.current = article;
  }

  private go(element: HTMLElement | undefined): void {
    // The browser's own scrolling on focus would put the element into the middle of the view.
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
  }

  /** Tab from outside goes to the turn that is the tab stop, never into a turn or to another one. */
  private focused({ target, relatedTarget }: FocusEvent): void {
    const { current } = this;
    const cameFromOutside = !(relatedTarget instanceof Node && this.turns.contains(relatedTarget));
    if (this.tabbing && cameFromOutside && current && target !== current) {
      this.tabbing = false;
      this.go(current);
      return;
    }
    this.become(this.turnOf(target));
  }

  private pressed(event: KeyboardEvent): void {
    const { target, key } = event;
    const article = this.turnOf(target);
    if (!article || !(target instanceof HTMLElement) || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("textarea, input")) return;
    if (key === "Tab") {
      this.leave(event, article);
      return;
    }
    const next = target === article ? this.nextTurn(article, key) : nextInside(article, target, key);
    if (!next) return;
    event.preventDefault();
    this.go(next);
  }

  private leave(event: KeyboardEvent, article: HTMLElement): void {
    if (event.shiftKey && event.target !== article) {
      event.preventDefault();
      this.go(article);
    } else {
      (event.shiftKey ? this.start : this.end).focus({ preventScroll: true });
    }
  }

  private nextTurn(article: HTMLElement, key: string): HTMLElement | undefined {
    switch (key) {
      case "ArrowUp":
        return asHtml(article.previousElementSibling);
      case "ArrowDown":
        return asHtml(article.nextElementSibling);
      case "Home":
        return this.articles[0];
      case "End":
        return this.articles.at(-1);
      case "Enter":
      case "ArrowRight":
        return stopsIn(article)[0];
      default:
        return undefined;
    }
  }
}

function nextInside(article: HTMLElement, target: HTMLElement, key: string): HTMLElement | undefined {
  if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
  const stops = stopsIn(article);
  const toolbar = target.closest("[role=toolbar]");
  const at = stops.findIndex((stop) => stop === target || toolbar?.contains(stop));
  return stops[at + (key === "ArrowUp" ? -1 : 1)] ?? (key === "ArrowUp" ? article : undefined);
}

/** The elements of a turn between which Up and Down move. A toolbar counts as one: its button that had the focus last. */
function stopsIn(article: HTMLElement): readonly HTMLElement[] {
  return [...article.querySelectorAll(into)].flatMap((found) => {
    if (!(found instanceof HTMLElement) || isFolded(found)) return [];
    if (found.getAttribute("role") !== "toolbar") return found.closest("[role=toolbar]") || isOff(found) ? [] : [found];
    const buttons = [...found.querySelectorAll("button")].filter((button) => !isOff(button));
    const button = buttons.find((one) => one.getAttribute("tabindex") === "0") ?? buttons[0];
    return button ? [button] : [];
  });
}

/** It is in something that is not open: there it cannot have the focus. */
function isFolded(element: HTMLElement): boolean {
  if (element.closest("[hidden]") !== null) return true;
  const folded = element.closest("details:not([open])");
  if (folded === null) return false;
  const opens = element.tagName === "SUMMARY" && element.parentElement === folded;
  return !opens || (folded.parentElement?.closest("details:not([open])") ?? null) !== null;
}

function isOff(element: HTMLElement): boolean {
  return element instanceof HTMLButtonElement && element.disabled;
}

function asHtml(element: Element | null): HTMLElement | undefined {
  return element instanceof HTMLElement ? element : undefined;
}

function edge(): HTMLElement {
  const element = part("span", "edge");
  element.tabIndex = -1;
  return element;
}
