import type { SpecialToken, SpecialTokens } from "./markedText";
import type { ChatMessage, TemplateMessage, ThoughtMember } from "./messages";
import { readableThought } from "./thinkingMarks";

/** Messages as marked text (markedText.ts); those of the past are escaped once. */
export class MessageEscaper {
  private readonly escaped = new WeakMap<ChatMessage, TemplateMessage>();

  constructor(
    private readonly specials: SpecialTokens,
    /** Tokens that no content can have. */
    private readonly isMeant: (token: SpecialToken) => boolean,
    /** Where the template looks for an answer's thought; nowhere: it gets the thought as it was said, in the content. */
    private readonly thoughtMembers: readonly ThoughtMember[],
  ) {}

  text(content: string): string {
    return this.specials.escape(content, this.isMeant);
  }

  escape(message: ChatMessage): TemplateMessage {
    const known = this.escaped.get(message);
    if (known !== undefined) return known;
    const { role, content } = message;
    const escaped = { role, content: this.text(content), ...this.thoughtParts(message) };
    this.escaped.set(message, escaped);
    return escaped;
  }

  private thoughtParts(message: ChatMessage): Partial<TemplateMessage> {
    if (message.role !== "assistant") return {};
    const { content, thought = "" } = message;
    if (thought === "") return {};
    if (this.thoughtMembers.length > 0) {
      const readable = this.text(readableThought(thought));
      return Object.fromEntries(this.thoughtMembers.map((name) => [name, readable]));
    }
    const said = this.text(thought);
    // A template that knows nothing of thoughts cannot have their control tokens in a content.
    return said === thought ? { content: said + this.text(content) } : {};
  }
}

/** For templates that refuse a system message: it goes before the first user message, as their models were trained. */
export function foldSystem(messages: readonly TemplateMessage[]): readonly TemplateMessage[] | undefined {
  const [system, user, ...others] = messages;
  if (system?.role !== "system" || user?.role !== "user") return undefined;
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...others];
}
