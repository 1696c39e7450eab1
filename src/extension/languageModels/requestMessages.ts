import { InvalidRequestError } from "../../common/errors";
import type { ChatMessage } from "../../common/messages";
import type { JsonObject, ToolCall } from "../../common/tools";
import { chatRoles, type RequestMessage } from "./chatApi";
import { type MessagePart, readPart } from "./messageParts";
import { jsonText } from "./promptText";
import { RequestText } from "./requestText";
import { withSessionVariablesBelow } from "./sessionVariables";
import { Slices } from "./slices";

type Part<T extends MessagePart["type"]> = Extract<MessagePart, { type: T }>;

/**
 * A request's messages as the core takes them. Parts of one message are joined without anything between them; results
 * of calls become messages of their own, in their place; messages without content are left out. Long requests are
 * converted in slices, so that the host's thread is never kept.
 *
 * @throws INVALID_REQUEST for images and other data that no model here can read, for a result without its call, and for
 *   more text than `mostCharacters`.
 */
export async function requestMessages(messages: readonly RequestMessage[]): Promise<readonly ChatMessage[]> {
  const made = await convert(messages, new Conversion());
  if (made.length > 0) return withSessionVariablesBelow(made);
  throw new InvalidRequestError("the request has no text", "write a message and send it again");
}

/** One message on its own, to be counted: its calls may be in another message, and it may be empty. */
export function messagesOf(message: RequestMessage): Promise<readonly ChatMessage[]> {
  return convert([message], new LoneConversion());
}

async function convert(messages: readonly RequestMessage[], conversion: Conversion): Promise<readonly ChatMessage[]> {
  const slices = new Slices();
  for (const { role, content } of messages) {
    for (const part of typeof content === "string" ? [content] : content) {
      await slices.next();
      conversion.add(role, readPart(part));
    }
    conversion.endMessage(role);
  }
  return conversion.finish();
}

class Conversion {
  private readonly made: ChatMessage[] = [];
  private readonly size = new RequestText();
  /** Names of the tools by the ids of their calls. */
  private readonly called = new Map<string, string>();
  private texts: string[] = [];
  private calls: ToolCall[] = [];

  add(role: number, part: MessagePart): void {
    switch (part.type) {
      case "text":
        this.texts.push(this.size.take(part.text));
        return;
      case "bytes":
        this.texts.push(this.size.decode(part.bytes));
        return;
      case "call":
        this.addCall(part);
        return;
      case "result":
        this.endMessage(role);
        this.addResult(part);
        return;
      case "unreadable":
        this.texts.push(this.size.take(this.unreadable(part)));
        return;
      case "none":
        return;
    }
  }

  endMessage(role: number): void {
    const { calls, texts } = this;
    const content = texts.join("");
    this.texts = [];
    this.calls = [];
    if (content === "" && calls.length === 0) return;
    if (role === chatRoles.assistant) {
      this.made.push({ role: "assistant", content, ...(calls.length === 0 ? {} : { calls }) });
    } else {
      this.made.push({ role: role === chatRoles.system ? "system" : "user", content });
    }
  }

  finish(): readonly ChatMessage[] {
    this.size.check();
    return this.made;
  }

  /** What is said of data that cannot be read. */
  protected unreadable({ mimeType, byteLength }: Part<"unreadable">): string {
    const isImage = mimeType.startsWith("image/");
    const thing = isImage ? "an image" : `data of the type ${mimeType}`;
    throw new InvalidRequestError(
      `the request has ${thing}, and Resident's models read text only`,
      `send it without ${isImage ? "the image" : "that attachment"}, in a new chat if an earlier message has it`,
      { mimeType, byteLength },
    );
  }

  /** The tool of a call that no message has. */
  protected missingCall(call: string): string {
    throw new InvalidRequestError(
      `a tool's result names the call "${call}", and no message before it has that call`,
      "send the call before its result, or start a new chat",
      { call },
    );
  }

  private addCall({ id, name, input }: Part<"call">): void {
    this.size.take(jsonText(input));
    this.called.set(id, name);
    this.calls.push({ id, name, arguments: isObject(input) ? input : {} });
  }

  private addResult({ call, content }: Part<"result">): void {
    const name = this.called.get(call) ?? this.missingCall(call);
    this.made.push({ role: "tool", call, name, content: content.map((part) => this.resultText(part)).join("") });
  }

  private resultText(value: unknown): string {
    const part = readPart(value);
    switch (part.type) {
      case "text":
        return this.size.take(part.text);
      case "bytes":
        return this.size.decode(part.bytes);
      case "unreadable":
        // A tool that makes pictures must not end the chat: the model is told of what it cannot see.
        return placeholder(part);
      case "call":
      case "result":
      case "none":
        return "";
    }
  }
}

class LoneConversion extends Conversion {
  protected override unreadable(part: Part<"unreadable">): string {
    return placeholder(part);
  }

  protected override missingCall(): string {
    return "tool";
  }
}

function placeholder({ mimeType, byteLength }: Part<"unreadable">): string {
  return `[${mimeType}, ${byteLength} bytes: this model cannot read it]`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
