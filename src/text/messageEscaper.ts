import type { SpecialToken, SpecialTokens } from "./markedText";
import type { ChatMessage, TemplateMessage } from "./messages";

/** Messages as marked text (markedText.ts); those of the past are escaped once. */
export class MessageEscaper {
  private readonly escaped = new WeakMap<ChatMessage, TemplateMessage>();

  constructor(
    private readonly specials: SpecialTokens,
    /** Tokens that no content can have. */
    private readonly isMeant: (token: SpecialToken) => boolean,
  ) {}

  text(content: string): string {
    return this.specials.escape(content, this.isMeant);
  }

  escape(message: ChatMessage): TemplateMessage {
    const known = this.escaped.get(message);
    if (known !== undefined) return known;
    const { role, content } = message;
    const escaped = { role, content: this.text(content) };
    this.escaped.set(message, escaped);
    return escaped;
  }
}

/** For templates that refuse a system message: it goes before the first user message, as their models were trained. */
export function foldSystem(messages: readonly TemplateMessage[]): readonly TemplateMessage[] | undefined {
  const [system, user, ...others] = messages;
  if (system?.role !== "system" || user?.role !== "user") return undefined;
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...others];
}
