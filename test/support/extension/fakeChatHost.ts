/** VS Code's parts of chat messages and answers, as its own classes have them, and a token that a test cancels. */
import type { CancellationToken } from "vscode";
import type { ChatHost, ChatParts } from "../../../src/extension/languageModels/chatApi";
import { chatHostOf } from "../../../src/extension/languageModels/chatHost";

export class TextPart {
  constructor(readonly value: string) {}
}

export class ToolCallPart {
  constructor(
    readonly callId: string,
    readonly name: string,
    readonly input: object,
  ) {}
}

export class ToolResultPart {
  constructor(
    readonly callId: string,
    readonly content: readonly unknown[],
  ) {}
}

export class DataPart {
  constructor(
    readonly data: Uint8Array,
    readonly mimeType: string,
  ) {}
}

export class ThinkingPart {
  constructor(
    readonly value: string | readonly string[],
    readonly id?: string,
    readonly metadata?: object,
  ) {}
}

export class PromptTsxPart {
  constructor(readonly value: unknown) {}
}

export class LanguageModelError extends Error {
  constructor(
    message?: string,
    readonly code = "",
  ) {
    super(message);
  }
}

/** The `vscode` module of a host with the API; `change` replaces or removes parts of it. */
export function fakeApi(change: Readonly<Record<string, unknown>> = {}): object {
  return {
    lm: { registerLanguageModelChatProvider: () => ({ dispose: () => {} }) },
    LanguageModelTextPart: TextPart,
    LanguageModelToolCallPart: ToolCallPart,
    LanguageModelDataPart: DataPart,
    LanguageModelThinkingPart: ThinkingPart,
    LanguageModelError,
    ...change,
  };
}

export function fakeHost(change?: Readonly<Record<string, unknown>>): ChatHost {
  const host = chatHostOf(fakeApi(change));
  if (host === undefined) throw new Error("the fake host has no chat models");
  return host;
}

export const fakeParts: ChatParts = fakeHost().parts;

/** A message of one text. */
export function said(role: number, ...content: readonly unknown[]) {
  return { role, content: content.map((part) => (typeof part === "string" ? new TextPart(part) : part)) };
}

export function dataPart(text: string, mimeType: string): DataPart {
  return new DataPart(new TextEncoder().encode(text), mimeType);
}

export class FakeToken implements CancellationToken {
  private readonly listeners = new Set<() => void>();
  isCancellationRequested = false;

  readonly onCancellationRequested: CancellationToken["onCancellationRequested"] = (listener) => {
    const call = () => listener(undefined);
    this.listeners.add(call);
    return { dispose: () => this.listeners.delete(call) };
  };

  cancel(): void {
    this.isCancellationRequested = true;
    for (const listener of this.listeners) listener();
  }
}

/** What a request reported, by kind: "text Hello", "call c1 weather {…}", "thought …", "thought ends", "usage {…}". */
export function told(parts: readonly object[]): readonly string[] {
  return parts.map((part) => {
    if (part instanceof TextPart) return `text ${part.value}`;
    if (part instanceof ToolCallPart) return `call ${part.callId} ${part.name} ${JSON.stringify(part.input)}`;
    if (part instanceof ThinkingPart) return part.metadata === undefined ? `thought ${part.value}` : "thought ends";
    if (part instanceof DataPart) return `${part.mimeType} ${new TextDecoder().decode(part.data)}`;
    return "something else";
  });
}
