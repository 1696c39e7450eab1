/** A toolbar is one tab stop; the arrow keys move in it, Home and End go to its ends. */
const step: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function buttonsOf(toolbar: Element): readonly HTMLButtonElement[] {
  return [...toolbar.querySelectorAll("button")].filter((button) => !button.disabled);
}

export function listenToToolbars(root: HTMLElement): void {
  root.addEventListener("keydown", (event) => {
    const toolbar = event.target instanceof Element ? event.target.closest("[role=toolbar]") : null;
    const move = step[event.key];
    if (!toolbar || !move) return;
    const buttons = buttonsOf(toolbar);
    const at = event.target instanceof HTMLButtonElement ? buttons.indexOf(event.target) : -1;
    const next = at < 0 ? undefined : buttons[move(at, buttons.length)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  root.addEventListener("focusin", (event) => {
    const toolbar = event.target instanceof Element ? event.target.closest("[role=toolbar]") : null;
    if (toolbar && event.target instanceof HTMLButtonElement) setTabStop(toolbar, event.target);
  });
}

/** To be called after a render: each toolbar keeps its tab stop, or its first button becomes the tab stop. */
export function keepTabStops(root: Element): void {
  for (const toolbar of root.querySelectorAll("[role=toolbar]")) {
    const buttons = buttonsOf(toolbar);
    const stop = buttons.find((button) => button.tabIndex === 0 && button.hasAttribute("tabindex")) ?? buttons[0];
    if (stop) setTabStop(toolbar, stop);
  }
}

function setTabStop(toolbar: Element, stop: HTMLButtonElement): void {
  for (const button of toolbar.querySelectorAll("button")) {
    const tabIndex = button === stop ? 0 : -1;
    if (button.getAttribute("tabindex") !== String(tabIndex)) button.tabIndex = tabIndex;
  }
}
