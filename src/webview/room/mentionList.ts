import type { Formats } from "../../common/format";
import type { RoomMember } from "../../protocol/room";
import { agentColour } from "../shared/agentColour";
import { tierDot } from "../shared/figures";
import { part } from "../shared/frame";
import { plural } from "../shared/progress";
import { Slot } from "../shared/slot";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { unavailableIcon, unavailableReason } from "./chips";
import { answering, type MentionOption, mentionOptions, mentionQuery } from "./mention";

/** The list of names that opens while an `@name` is typed at the start of the message. The focus stays in the field. */
export class MentionList {
  readonly element = part("ul", "pick num", { id: "mentions", role: "listbox", "aria-label": "Send to" });
  private readonly slot = new Slot(this.element);
  private options: readonly MentionOption[] = [];
  private chosen = 0;
  /** The draft for which Escape closed the list. */
  private closedFor: string | undefined;

  constructor(private readonly field: HTMLTextAreaElement) {
    // A field of several lines cannot be a combobox: that it has a list, and which option is chosen, is told by these.
    field.setAttribute("aria-controls", this.element.id);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-haspopup", "listbox");
    field.addEventListener("blur", () => this.close());
    this.hide();
  }

  /** The name that Enter takes; `undefined` while the list is closed. */
  get choice(): string | undefined {
    return this.options[this.chosen]?.name;
  }

  /** After every change of the draft and of the room. */
  update(members: readonly RoomMember[], formats: Formats): void {
    const { value, selectionStart } = this.field;
    const query = document.activeElement === this.field ? mentionQuery(value, selectionStart) : undefined;
    const options = query === undefined ? [] : mentionOptions(query, members);
    const complete = options.some(({ name }) => name.toLowerCase() === query?.toLowerCase());
    if (options.length === 0 || complete || this.closedFor === value) {
      this.hide();
      return;
    }
    this.closedFor = undefined;
    // The best guess first: the name that starts with what was typed, else the first.
    if (options.length !== this.options.length)
      this.chosen = Math.max(
        0,
        options.findIndex(({ at }) => at === 0),
      );
    this.options = options;
    this.render(answering(members).length, query ?? "", formats);
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
        this.take(this.options[this.chosen]);
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
    return true;
  }

  private take(option: MentionOption | undefined): void {
    if (!option) return;
    const rest = this.field.value.slice(this.field.selectionStart).trimStart();
    this.field.value = `@${option.name} ${rest}`;
    const caret = option.name.length + 2;
    this.field.setSelectionRange(caret, caret);
    this.hide();
    this.closedFor = this.field.value;
    this.field.dispatchEvent(new Event("input"));
  }

  private close(): void {
    this.closedFor = this.field.value;
    this.hide();
  }

  private hide(): void {
    this.options = [];
    this.chosen = 0;
    this.element.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  private render(answeringCount: number, query: string, formats: Formats): void {
    this.element.hidden = false;
    this.field.setAttribute("aria-activedescendant", optionId(this.chosen));
    this.slot.show(
      this.options.map((option, index) =>
        h(
          "li",
          {
            key: option.id,
            id: optionId(index),
            role: "option",
            "aria-selected": String(index === this.chosen),
            style: option.member ? agentColour(option.member.agent.index) : {},
            // Before the field loses the focus.
            on: {
              mousedown: (event) => {
                event.preventDefault();
                this.take(option);
              },
            },
          },
          optionContent(option, query, answeringCount, formats),
        ),
      ),
    );
  }
}

function optionId(index: number): string {
  return `mention-${index}`;
}

function optionContent(option: MentionOption, query: string, answeringCount: number, formats: Formats): Children {
  const { member } = option;
  if (!member)
    return [icon("organization"), marked(option, query), h("small", {}, plural(answeringCount, "agent", formats))];
  const { agent, unavailable } = member;
  const { tier, tokens } = agent;
  if (unavailable)
    return [
      icon(unavailableIcon(unavailable)),
      marked(option, query),
      h("small.cut", {}, unavailableReason(unavailable)),
    ];
  return [
    h("span.dot", {}, tierDot(tier)),
    marked(option, query),
    h("small", {}, `${tier}, ${plural(tokens, "token", formats)}`),
  ];
}

function marked({ name, at }: MentionOption, query: string): TreeNode {
  if (at < 0) return h("span", {}, name);
  return h(
    "span",
    {},
    name.slice(0, at),
    h("mark", {}, name.slice(at, at + query.length)),
    name.slice(at + query.length),
  );
}
