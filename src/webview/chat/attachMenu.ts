import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { part } from "../shared/frame";
import { Slot } from "../shared/slot";
import { h, icon, type TreeNode } from "../shared/tree";

interface Item {
  readonly icon: string;
  readonly label: string;
  /** At the right. */
  readonly about?: string;
  readonly disabled?: boolean;
  readonly choose: () => void;
}

export interface AttachMenuPorts {
  readonly run: (command: ChatCommand) => void;
  /** Begins an `@` in the message. */
  readonly mention: () => void;
}

/** The menu behind the paper clip. It opens above the message; the keys are those of a menu. */
export class AttachMenu {
  readonly element = part("div", "menu", { role: "menu", "aria-label": "Attach" });
  private readonly slot = new Slot(this.element);
  private snapshot: ChatSnapshot | undefined;
  private opener: HTMLElement | undefined;

  constructor(private readonly ports: AttachMenuPorts) {
    this.element.hidden = true;
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.element.contains(relatedTarget))) this.close(false);
    });
  }

  /** The button that opens it; nothing where files cannot be attached. */
  button(snapshot: ChatSnapshot, disabled: boolean): TreeNode | undefined {
    this.snapshot = snapshot;
    if (snapshot.attachments === undefined) return undefined;
    return h(
      "button.icon-btn",
      {
        key: "menu",
        "aria-label": "Attach files",
        title: "Attach Files… (or write @, drop files, or paste a path)",
        "aria-haspopup": "menu",
        "aria-expanded": String(!this.element.hidden),
        disabled,
        on: { click: ({ currentTarget }) => this.toggle(currentTarget) },
      },
      icon("attach"),
    );
  }

  private toggle(button: EventTarget | null): void {
    if (!this.element.hidden) {
      this.close(true);
      return;
    }
    if (!(button instanceof HTMLElement) || this.snapshot === undefined) return;
    this.opener = button;
    this.slot.show(this.items(this.snapshot).map((item) => this.itemView(item)));
    this.element.hidden = false;
    button.setAttribute("aria-expanded", "true");
    this.stops[0]?.focus();
  }

  private items({ selection, pinnedFiles }: ChatSnapshot): readonly Item[] {
    const { run, mention } = this.ports;
    const attach = (what: Extract<ChatCommand, { type: "attach" }>["what"]) => () => run({ type: "attach", what });
    return [
      {
        icon: "list-selection",
        label: "Selection",
        about: selection?.label ?? "none",
        disabled: selection === undefined,
        choose: attach("selection"),
      },
      { icon: "file", label: "File in the Editor", choose: attach("file") },
      { icon: "files", label: "Files…", choose: attach("pick") },
      { icon: "folder", label: "Folder…", choose: attach("folder") },
      { icon: "warning", label: "Problems", choose: attach("problems") },
      { icon: "terminal", label: "Selection in the Terminal", choose: attach("terminal") },
      { icon: "mention", label: "Search for a File", about: "@", choose: mention },
      ...(pinnedFiles === undefined
        ? []
        : [{ icon: "pin", label: "Pin Files…", choose: () => run({ type: "pinFiles" }) }]),
    ];
  }

  private itemView({ icon: name, label, about, disabled = false, choose }: Item): TreeNode {
    return h(
      "button.item",
      {
        key: label,
        role: "menuitem",
        tabindex: "-1",
        "aria-disabled": disabled ? "true" : undefined,
        on: {
          click: () => {
            if (disabled) return;
            this.close(true);
            choose();
          },
        },
      },
      icon(name),
      h("span.grow.cut", {}, label),
      about !== undefined && h("span.dim.cut", {}, about),
    );
  }

  private get stops(): readonly HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[role=menuitem]")];
  }

  private pressed(event: KeyboardEvent): void {
    const { stops } = this;
    const at = event.target instanceof HTMLElement ? stops.indexOf(event.target) : -1;
    const next: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % stops.length,
      ArrowUp: (at - 1 + stops.length) % stops.length,
      Home: 0,
      End: stops.length - 1,
    };
    const to = next[event.key];
    if (to !== undefined) stops[to]?.focus();
    else if (event.key === "Escape") this.close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private close(toOpener: boolean): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    if (toOpener) this.opener?.focus();
  }
}
