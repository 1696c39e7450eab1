/** VS Code's API for programs that use chat models; @types/vscode is older than it. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { chatVendor, commands } from "../../src/extension/contributions";
import { chatHostOf } from "../../src/extension/languageModels/chatHost";
import type { ThreadTurn } from "../../src/protocol/service";
import { run } from "./support";

interface HostModel {
  readonly id: string;
  readonly vendor: string;
  readonly name: string;
  readonly maxInputTokens: number;
  countTokens(text: string | object): Thenable<number>;
  sendRequest(
    messages: readonly object[],
    options: object,
    token: vscode.CancellationToken,
  ): Thenable<{ readonly stream: AsyncIterable<unknown> }>;
}

interface Selects {
  selectChatModels(selector: { readonly vendor: string }): Thenable<readonly HostModel[]>;
}

function selects(value: unknown): value is Selects {
  return typeof value === "object" && value !== null && "selectChatModels" in value;
}

export async function hostModels(): Promise<readonly HostModel[]> {
  const models: unknown = Reflect.get(vscode, "lm");
  assert(selects(models), "this VS Code has no chat models");
  return models.selectChatModels({ vendor: chatVendor });
}

/** The model whose name has this in it. */
export async function hostModel(name: string): Promise<HostModel> {
  const models = await hostModels();
  const found = models.find((model) => model.name.includes(name));
  assert(found, `no ${name} among ${models.map((model) => model.name).join(", ")}`);
  return found;
}

const host = chatHostOf(vscode);
assert(host, "this VS Code takes no chat models");
const { parts } = host;

export const user = (text: string) => ({ role: 1, name: undefined, content: [parts.text(text)] });
export const said = (text: string) => ({ role: 2, name: undefined, content: [parts.text(text)] });
export const called = (id: string, name: string, input: object) => ({
  role: 2,
  name: undefined,
  content: [parts.call(id, name, input)],
});

/** The calls of one answer, in one message as they were made. */
export function joined(messages: readonly ReturnType<typeof called>[]): object {
  return { role: 2, name: undefined, content: messages.flatMap(({ content }) => content) };
}

export function result(call: string, text: string): object {
  const Result: unknown = Reflect.get(vscode, "LanguageModelToolResultPart");
  assert(typeof Result === "function");
  return { role: 1, name: undefined, content: [Reflect.construct(Result, [call, [parts.text(text)]])] };
}

/** One dot: the host looks at images before it sends them. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export function picture(): object {
  return { role: 1, name: undefined, content: [parts.data(new Uint8Array(Buffer.from(png, "base64")), "image/png")] };
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Answer {
  readonly texts: readonly string[];
  readonly calls: readonly { readonly callId: string; readonly name: string; readonly input: object }[];
  readonly usages: readonly Usage[];
  /** From the request to the first text or call. */
  readonly ttftMs: number;
}

interface AskOptions {
  /** As VS Code's chat names its conversations; absent: a request of its own. */
  readonly conversation?: string;
  readonly modelOptions?: object;
  readonly tools?: readonly object[];
  readonly toolMode?: number;
  /** Called with each text as it comes. */
  readonly onText?: (text: string) => void;
  readonly token?: vscode.CancellationToken;
}

/** Short answers, always the same ones. */
const briefly = { max_tokens: 6, temperature: 0 };

/** Sends a request as another extension does, and reads all of its answer. */
export async function request(
  model: HostModel,
  messages: readonly object[],
  options: AskOptions = {},
): Promise<Answer> {
  const { conversation, onText, token = new vscode.CancellationTokenSource().token, ...more } = options;
  const modelOptions = {
    ...briefly,
    ...options.modelOptions,
    ...(conversation === undefined ? {} : { _conversationId: conversation }),
  };
  const askedAt = performance.now();
  let ttftMs = 0;
  const texts: string[] = [];
  const calls: Answer["calls"][number][] = [];
  const usages: Usage[] = [];
  const response = await model.sendRequest(messages, { ...more, modelOptions }, token);
  for await (const part of response.stream) {
    if (typeof part !== "object" || part === null) continue;
    if ("mimeType" in part && "data" in part && part.data instanceof Uint8Array) {
      if (part.mimeType === "usage") usages.push(JSON.parse(new TextDecoder().decode(part.data)));
      continue;
    }
    ttftMs ||= performance.now() - askedAt;
    if ("callId" in part && "name" in part && "input" in part) {
      calls.push({ callId: String(part.callId), name: String(part.name), input: Object(part.input) });
    } else if ("value" in part && typeof part.value === "string" && !("metadata" in part)) {
      texts.push(part.value);
      onText?.(part.value);
    }
  }
  return { texts, calls, usages, ttftMs };
}

/** Long enough to be kept on disk. */
export const longOpening: readonly object[] = [
  user(Array.from({ length: 180 }, (_, i) => `Rule ${i + 1}: answer in few words, and name no source.`).join("\n")),
  user("Which rule is the first one?"),
];

/** The figures of an answer, of which there must be one. */
export function usageOf({ usages }: Answer): Usage {
  const [usage, ...more] = usages;
  assert(usage && more.length === 0, `${usages.length} usages came`);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  return usage;
}

export function cachedOf(answer: Answer): number {
  return usageOf(answer).prompt_tokens_details.cached_tokens;
}

/** The last requests as the status view shows them, newest first. */
export async function recentRequests(): Promise<readonly ThreadTurn[]> {
  return (await run<{ readonly recent: readonly ThreadTurn[] }>(commands.whyReadAgain, { background: true })).recent;
}
