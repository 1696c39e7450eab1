/** Time for which a button shows that it worked, in ms. */
const shownMs = 1500;

/** Marks the button that was pressed last when its command is done: shared.css replaces its icon by a check. */
export class PressedButton {
  private pressed: Element | null = null;

  constructor(root: HTMLElement) {
    const remember = ({ target }: Event) => {
      this.pressed = target instanceof Element ? target.closest("button") : null;
    };
    root.addEventListener("click", remember, true);
  }

  /** To be read while the click is handled: when the answer comes, another button may have been pressed. */
  get markDone(): () => void {
    const button = this.pressed;
    return () => {
      button?.setAttribute("data-done", "");
      setTimeout(() => button?.removeAttribute("data-done"), shownMs);
    };
  }
}
