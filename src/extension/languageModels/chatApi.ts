/**
 * VS Code's API for chat models, as far as it is used here: final since 1.104. `engines.vscode` and @types/vscode are
 * older, so its shapes are declared here. Fields marked "not final" are read and set as plain data, which hosts ignore
 * that do not know them.
 */
import type { CancellationToken } from "vscode";
import type { Disposable } from "../../common/disposables";

/** A model in the picker. `id` is unique among this vendor's models, and stays the same. */
export interface ChatModelInformation {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly version: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly tooltip?: string;
  readonly detail?: string;
  readonly capabilities: { readonly imageInput: boolean; readonly toolCalling: boolean };
  /** Not final. From 1.120 on, models without it are not in the picker. */
  readonly isUserSelectable: boolean;
  /** Not final: what a person can choose for the model, in the picker. */
  readonly configurationSchema?: { readonly properties: Readonly<Record<string, ModelChoiceSchema>> };
}

/** A list of values, with words for each. */
export interface ModelChoiceSchema {
  readonly type: "string";
  readonly title: string;
  readonly enum: readonly string[];
  readonly enumItemLabels: readonly string[];
  readonly enumDescriptions: readonly string[];
  readonly default: string;
  readonly group: "navigation";
}

/** Roles of messages. `system` is not final, but the chat sends its instructions with it. */
export const chatRoles = { user: 1, assistant: 2, system: 3 } as const;

export interface RequestMessage {
  readonly role: number;
  /** Parts; programs other than VS Code's chat may give a string. */
  readonly content: string | readonly unknown[];
}

export interface RequestTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
}

/** `LanguageModelChatToolMode`: the answer may call tools, or must. */
export const requestToolModes = { auto: 1, required: 2 } as const;

export interface RequestOptions {
  readonly modelOptions?: Readonly<Record<string, unknown>>;
  readonly tools?: readonly RequestTool[];
  readonly toolMode?: number;
  /** Not final: what the person chose of `configurationSchema`. */
  readonly modelConfiguration?: Readonly<Record<string, unknown>>;
}

export interface ResponseProgress {
  report(part: object): void;
}

export interface ChatProvider {
  readonly onDidChangeLanguageModelChatInformation: (listener: () => void) => Disposable;
  provideLanguageModelChatInformation(
    options: { readonly silent: boolean },
    token: CancellationToken,
  ): Promise<readonly ChatModelInformation[]>;
  provideLanguageModelChatResponse(
    model: ChatModelInformation,
    messages: readonly RequestMessage[],
    options: RequestOptions,
    progress: ResponseProgress,
    token: CancellationToken,
  ): Promise<void>;
  provideTokenCount(
    model: ChatModelInformation,
    text: string | RequestMessage,
    token: CancellationToken,
  ): Promise<number>;
}

/** What the host makes the parts of an answer of. */
export interface ChatParts {
  text(value: string): object;
  call(id: string, name: string, input: object): object;
  data(bytes: Uint8Array, mimeType: string): object;
  /** Not final: absent where the host has no part for thoughts. */
  readonly thinking?: (value: string, id: string, metadata?: object) => object;
  /** An error whose message the chat shows. */
  error(message: string, code: string): Error;
}

export interface ChatHost {
  readonly parts: ChatParts;
  /** Throws on hosts where this API is not final yet. */
  register(vendor: string, provider: ChatProvider): Disposable;
}
