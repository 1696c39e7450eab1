import type { Formats } from "../../common/format";
import { agentWords } from "../../protocol/agentWords";
import type { RoomMember } from "../../protocol/room";
import { agentColour } from "../shared/agentColour";
import { agentMark } from "../shared/figures";
import { marked, OptionList } from "../shared/optionList";
import { plural } from "../shared/progress";
import { type Children, h, icon } from "../shared/tree";
import { unavailableIcon, unavailableReason } from "./chips";
import { answering, type MentionOption, mentionOptions, mentionQuery } from "./mention";

/** The list of names that opens while an `@name` is typed at the start of the message. */
export class MentionList {
  readonly element: HTMLElement;
  private readonly list: OptionList<MentionOption>;
  private query = "";
  private answering = 0;
  private formats: Formats | undefined;

  constructor(private readonly field: HTMLTextAreaElement) {
    this.list = new OptionList<MentionOption>(field, {
      id: "mentions",
      label: "Send to",
      keyOf: ({ id }) => id,
      content: (option) => this.content(option),
      style: ({ member }) => (member ? agentColour(member.agent.index) : {}),
      take: (option) => this.take(option),
    });
    this.element = this.list.element;
  }

  /** The name that Enter takes; `undefined` while the list is closed. */
  get choice(): string | undefined {
    return this.list.choice?.name;
  }

  /** After every change of the draft and of the room. */
  update(members: readonly RoomMember[], formats: Formats): void {
    const { value, selectionStart } = this.field;
    const query = document.activeElement === this.field ? mentionQuery(value, selectionStart) : undefined;
    const options = query === undefined ? [] : mentionOptions(query, members);
    const complete = options.some(({ name }) => name.toLowerCase() === query?.toLowerCase());
    this.query = query ?? "";
    this.answering = answering(members).length;
    this.formats = formats;
    // The best guess first: the name that starts with what was typed, else the first.
    this.list.show(complete ? [] : options, (shown) => shown.findIndex(({ at }) => at === 0));
  }

  key(event: KeyboardEvent): boolean {
    return this.list.key(event);
  }

  private take({ name }: MentionOption): void {
    const rest = this.field.value.slice(this.field.selectionStart).trimStart();
    this.field.value = `@${name} ${rest}`;
    const caret = name.length + 2;
    this.field.setSelectionRange(caret, caret);
    this.list.close();
    this.field.dispatchEvent(new Event("input"));
  }

  private content(option: MentionOption): Children {
    const { member, name, at } = option;
    const { formats, query } = this;
    if (formats === undefined) return undefined;
    const shown = marked(name, at, query.length);
    if (!member) return [icon("organization"), shown, h("small", {}, plural(this.answering, "agent", formats))];
    const { agent, unavailable } = member;
    if (unavailable)
      return [icon(unavailableIcon(unavailable)), shown, h("small.cut", {}, unavailableReason(unavailable))];
    const { size, place } = agentWords(agent, formats);
    return [h("span.dot", {}, agentMark(agent)), shown, h("small.cut", {}, `${place}, ${size}`)];
  }
}
