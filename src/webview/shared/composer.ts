import { afterRest } from "./frame";
import { Slot } from "./slot";
import { type Children, h, icon } from "./tree";

export interface ComposerOptions {
  readonly label: string;
  readonly placeholder: string;
  /** Why nothing can be sent now; shown on the button. */
  readonly blocked?: string | undefined;
  /** The message carries more than its text. */
  readonly mayBeEmpty?: boolean;
  /** Above the text, in the field's frame. */
  readonly above?: Children;
  /** At the left of the field's bottom. */
  readonly tools?: Children;
  /** Next to the send button. */
  readonly target?: Children;
  /** The id of what describes the field to assistive technology. */
  readonly describedBy?: string;
}

export interface ComposerEvents {
  send(text: string): void;
  changed(draft: string): void;
  /** Sees keys before the composer does; true when it took the key. */
  key?(event: KeyboardEvent): boolean;
}

/** Reads what is written whenever the person pauses: `read`, once after many changes. */
export function afterWriting(read: () => void): () => void {
  return afterRest(250, read);
}

/** The message field: Enter sends, Shift+Enter starts a line, and nothing happens while an input method composes. */
export class Composer {
  readonly element: HTMLElement;
  readonly field = document.createElement("textarea");
  private readonly top = document.createElement("div");
  private readonly topSlot = new Slot(this.top);
  private readonly bottom = document.createElement("div");
  private readonly bottomSlot = new Slot(this.bottom);
  private blocked: string | undefined;
  private mayBeEmpty = false;

  constructor(private readonly events: ComposerEvents) {
    this.element = document.createElement("div");
    this.element.className = "composer";
    this.top.className = "slot";
    this.bottom.className = "bottom";
    this.field.rows = 1;
    this.element.append(this.top, this.field, this.bottom);
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element || event.target === this.bottom) this.field.focus();
    });
  }

  get draft(): string {
    return this.field.value;
  }

  set draft(text: string) {
    this.field.value = text;
    this.changed();
  }

  render(options: ComposerOptions): void {
    const { label, placeholder, blocked, mayBeEmpty = false, above, tools, target, describedBy } = options;
    this.field.setAttribute("aria-label", label);
    if (describedBy === undefined) this.field.removeAttribute("aria-describedby");
    else this.field.setAttribute("aria-describedby", describedBy);
    this.topSlot.show(above);
    this.field.placeholder = placeholder;
    this.blocked = blocked;
    this.mayBeEmpty = mayBeEmpty;
    const send = h(
      "button.icon-btn",
      {
        class: blocked === undefined ? "send" : undefined,
        "aria-label": "Send",
        title: blocked === undefined ? "Send (Enter)" : `Send (Enter). ${blocked}`,
        disabled: blocked !== undefined,
        on: { click: () => this.send() },
      },
      icon("send"),
    );
    this.bottomSlot.show(tools, h("span.grow"), target, send);
  }

  private send(): void {
    const text = this.draft.trim();
    if ((text === "" && !this.mayBeEmpty) || this.blocked !== undefined) return;
    this.events.send(text);
    this.field.focus();
  }

  private changed(): void {
    this.fit();
    this.events.changed(this.draft);
  }

  /** VS Code before 1.88 has no `field-sizing`. */
  private fit(): void {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${this.field.scrollHeight}px`);
  }

  private pressed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (this.events.key?.(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.send();
    }
  }
}
