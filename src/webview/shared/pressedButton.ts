/** Time for which a button shows that it worked, in ms. */
const shownMs = 1500;

/** Shows on the button that was pressed last that what it asked for is done: shared.css gives it a check for its icon. */
export class PressedButton {
  private pressed: Element | null = null;

  constructor(root: HTMLElement) {
    const remember = ({ target }: Event) => {
      this.pressed = target instanceof Element ? target.closest("button") : null;
    };
    root.addEventListener("click", remember, true);
  }

  /** To be called while the click is handled, since the answer comes when another button may have been pressed. */
  get markDone(): () => void {
    const button = this.pressed;
    return () => {
      button?.setAttribute("data-done", "");
      setTimeout(() => button?.removeAttribute("data-done"), shownMs);
    };
  }
}
