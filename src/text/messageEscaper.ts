import type { AnswerMessage, ChatMessage, ResultMessage } from "../common/messages";
import type { ToolCall } from "../common/tools";
import type { SpecialToken, SpecialTokens } from "./markedText";
import type { TemplateMessage, ThoughtMember } from "./messages";
import type { SaidAnswer } from "./saidAnswers";
import { shortCallId } from "./shortCallId";
import { runAtOnce, type Steps } from "./steps";
import { readableThought } from "./thinkingMarks";
import { callAsText, jsonLine, resultAsText } from "./toolFoldings";
import type { ToolForms } from "./toolForms";
import type { ToolFormat } from "./tools/formats";
import { writtenCalls } from "./writtenCalls";

/** What a template looks for in messages. */
export interface MessageForms {
  /** Where it looks for an answer's thought; nowhere: it gets the thought as it was said, in the content. */
  readonly thoughtMembers: readonly ThoughtMember[];
  readonly tools: ToolForms;
  /** How the model writes calls, for a template that leaves it to the content to hold them. */
  readonly calls?: ToolFormat | undefined;
}

/** Messages as marked text (markedText.ts); those of the past are escaped once. */
export class MessageEscaper {
  private readonly escaped = new WeakMap<ChatMessage, TemplateMessage>();
  private readonly said = new WeakMap<TemplateMessage, SaidAnswer>();

  constructor(
    private readonly specials: SpecialTokens,
    /** Tokens that no content can have. */
    private readonly isMeant: (token: SpecialToken) => boolean,
    private readonly forms: MessageForms,
  ) {}

  text(content: string): string {
    return this.specials.escape(content, this.isMeant);
  }

  escape(message: ChatMessage): TemplateMessage {
    return runAtOnce(this.escapeSteps(message));
  }

  *escapeAll(messages: readonly ChatMessage[]): Steps<readonly TemplateMessage[]> {
    const escaped: TemplateMessage[] = [];
    for (const message of messages) {
      escaped.push(yield* this.escapeSteps(message));
      yield;
    }
    return escaped;
  }

  /** Parsed JSON with all its texts and keys escaped. What is nested too deep is left out. */
  json(value: unknown, depth = 0): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth >= deepest) return Array.isArray(value) ? [] : {};
    if (Array.isArray(value)) return value.map((item) => this.json(item, depth + 1));
    return this.object(value, depth);
  }

  /** What was said of an answer, where it is known to be something else than its content. */
  saidOf(message: TemplateMessage): SaidAnswer | undefined {
    return this.said.get(message);
  }

  private *escapeSteps(message: ChatMessage): Steps<TemplateMessage> {
    const known = this.escaped.get(message);
    if (known !== undefined) return known;
    const content = yield* this.specials.escapeSteps(message.content, this.isMeant);
    let escaped: TemplateMessage;
    if (message.role === "assistant") escaped = this.answer(message, content);
    else escaped = message.role === "tool" ? this.result(message, content) : { role: message.role, content };
    this.escaped.set(message, escaped);
    return escaped;
  }

  private answer(message: AnswerMessage, content: string): TemplateMessage {
    const { raw, thought = "", calls = [] } = message;
    const escaped: TemplateMessage = { role: "assistant", content, ...this.thoughtParts(content, thought) };
    const whole = calls.length === 0 ? escaped : this.withCalls(escaped, calls);
    if (raw !== undefined) {
      const readable = thought === "" ? undefined : this.text(readableThought(thought));
      const last = calls.at(-1)?.name;
      const lastCall = last === undefined ? undefined : this.text(last);
      this.said.set(whole, { text: this.text(thought + raw), thought: readable, lastCall });
    }
    return whole;
  }

  private withCalls(answer: TemplateMessage, calls: readonly ToolCall[]): TemplateMessage {
    const form = this.forms.tools.calls;
    const escaped = calls.map((call) => ({
      id: this.callId(call.id),
      name: this.text(call.name),
      arguments: this.object(call.arguments, 0),
    }));
    const { content } = answer;
    if (form === undefined && this.forms.calls !== undefined) {
      return { ...answer, content: (content ?? "") + writtenCalls(this.forms.calls, escaped) };
    }
    if (form === undefined) {
      const texts = escaped.map(({ name, arguments: given }) => callAsText(name, given));
      return { ...answer, content: [content ?? "", ...texts].filter((text) => text !== "").join("\n\n") };
    }
    return {
      ...answer,
      content: form.isNone && content === "" ? null : content,
      tool_calls: escaped.map(({ id, name, arguments: given }) => ({
        id,
        type: "function",
        function: { name, arguments: form.areObjects ? given : jsonLine(given) },
      })),
    };
  }

  private result({ call, name }: ResultMessage, content: string): TemplateMessage {
    const role = this.forms.tools.results;
    const known = this.text(name);
    if (role === undefined) return { role: "user", content: resultAsText(known, content) };
    return { role, content, name: known, tool_call_id: this.callId(call) };
  }

  private callId(id: string): string {
    return this.forms.tools.calls?.isShort === true ? shortCallId(id) : this.text(id);
  }

  private object(value: object, depth: number): Readonly<Record<string, unknown>> {
    const entries = Object.entries(value).map(([key, item]) => [this.text(key), this.json(item, depth + 1)] as const);
    return Object.fromEntries(entries);
  }

  private thoughtParts(content: string, thought: string): Partial<TemplateMessage> {
    const { thoughtMembers } = this.forms;
    if (thought === "") return {};
    if (thoughtMembers.length > 0) {
      const readable = this.text(readableThought(thought));
      return Object.fromEntries(thoughtMembers.map((name) => [name, readable]));
    }
    const said = this.text(thought);
    // A template that knows nothing of thoughts cannot have their control tokens in a content.
    return said === thought ? { content: said + content } : {};
  }
}

/** As deep as templates and tokenizers must be able to follow by recursion. */
const deepest = 64;
