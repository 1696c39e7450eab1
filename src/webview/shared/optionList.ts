import { part } from "./frame";
import { Slot } from "./slot";
import { type Children, h, type Props } from "./tree";

export interface OptionListPorts<Option> {
  /** Of the list in the page, and the beginning of its options' ids. */
  readonly id: string;
  readonly label: string;
  readonly keyOf: (option: Option) => string;
  readonly content: (option: Option) => Children;
  readonly style?: (option: Option) => Props["style"];
  readonly take: (option: Option) => void;
}

/** A list that opens above a message field while something is typed there. The focus stays in the field. */
export class OptionList<Option> {
  readonly element: HTMLUListElement;
  private readonly slot: Slot;
  private options: readonly Option[] = [];
  private chosen = 0;
  /** The text of the field for which Escape closed the list. */
  private closedFor: string | undefined;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly ports: OptionListPorts<Option>,
  ) {
    this.element = part("ul", "pick num", { id: ports.id, role: "listbox", "aria-label": ports.label });
    this.slot = new Slot(this.element);
    // A field of several lines cannot be a combobox: that it has a list, and which option is chosen, is told by these.
    field.setAttribute("aria-controls", ports.id);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-haspopup", "listbox");
    field.addEventListener("blur", () => this.close());
    this.hide();
  }

  /** What Enter takes; `undefined` while the list is closed. */
  get choice(): Option | undefined {
    return this.options[this.chosen];
  }

  /** Escape has closed the list for what is in the field now. */
  get isClosed(): boolean {
    return this.closedFor === this.field.value;
  }

  /** Opens the list, or shows other options in it; without options it is closed. `best`: the one to begin with. */
  show(options: readonly Option[], best: (options: readonly Option[]) => number = () => 0): void {
    if (options.length === 0 || this.isClosed) {
      this.hide();
      return;
    }
    this.closedFor = undefined;
    const { keyOf } = this.ports;
    const isSame = options.map(keyOf).join("\n") === this.options.map(keyOf).join("\n");
    if (!isSame) this.chosen = Math.max(0, best(options));
    this.options = options;
    this.render();
  }

  hide(): void {
    this.options = [];
    this.chosen = 0;
    this.element.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  /** Hides the list until something else is in the field. */
  close(): void {
    this.closedFor = this.field.value;
    this.hide();
  }

  /** Takes the keys that belong to the open list. */
  key(event: KeyboardEvent): boolean {
    if (this.options.length === 0) return false;
    switch (event.key) {
      case "ArrowDown":
        return this.move(1);
      case "ArrowUp":
        return this.move(-1);
      case "Enter":
      case "Tab":
        this.take(this.choice);
        return true;
      case "Escape":
        this.close();
        return true;
      default:
        return false;
    }
  }

  private move(by: number): boolean {
    this.chosen = (this.chosen + by + this.options.length) % this.options.length;
    this.field.dispatchEvent(new Event("input"));
    this.render();
    return true;
  }

  private take(option: Option | undefined): void {
    if (option === undefined) return;
    this.hide();
    this.ports.take(option);
  }

  private optionId(index: number): string {
    return `${this.ports.id}-${index}`;
  }

  private render(): void {
    const { keyOf, content, style } = this.ports;
    this.element.hidden = false;
    this.field.setAttribute("aria-activedescendant", this.optionId(this.chosen));
    this.slot.show(
      this.options.map((option, index) =>
        h(
          "li",
          {
            key: keyOf(option),
            id: this.optionId(index),
            role: "option",
            "aria-selected": String(index === this.chosen),
            style: style?.(option) ?? {},
            // Before the field loses the focus.
            on: {
              mousedown: (event) => {
                event.preventDefault();
                this.take(option);
              },
            },
          },
          content(option),
        ),
      ),
    );
  }
}

/** A name in which the part that was sought is marked. `at`: where it stands; below 0 nowhere. */
export function marked(name: string, at: number, length: number): Children {
  if (at < 0) return h("span", {}, name);
  const end = at + length;
  return h("span", {}, name.slice(0, at), h("mark", {}, name.slice(at, end)), name.slice(end));
}
