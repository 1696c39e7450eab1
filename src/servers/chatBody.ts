import type { ChatMessage } from "../common/messages";
import type { ThoughtField } from "../common/serverAnswer";
import type { Thinking } from "../common/thinking";
import type { JsonSchema, ToolMode, ToolSpec } from "../common/tools";
import type { SamplingOptions } from "../protocol/service";
import type { ReadCall } from "./callAssembler";

export interface ServerChatRequest {
  readonly model: string;
  /** Where the last one is an answer, the server is asked to continue it. Thoughts are without their marks. */
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolSpec[];
  readonly toolMode?: ToolMode;
  /** The answer has to be JSON that this schema allows, where the server can see to it. */
  readonly jsonSchema?: JsonSchema;
  readonly sampling?: SamplingOptions;
  readonly thinking?: Thinking;
  /** Under which name thoughts of earlier answers are sent; absent: they are not. */
  readonly thoughtField?: ThoughtField;
  /** Ids for calls that come without one. */
  readonly newId: () => string;
  /** Reads calls of these tools. */
  readonly readCall: ReadCall;
}

/** Members that not every server knows. A server that refuses one by its name is asked again without it. */
export const optionalMembers = [
  "stream_options",
  "top_k",
  "min_p",
  "repetition_penalty",
  "chat_template_kwargs",
] as const;
export type OptionalMember = (typeof optionalMembers)[number];

/** Members that a server refuses by their names and takes in another form. */
export const rewrittenMembers = [
  /** It wants `max_completion_tokens` in its place. */
  "max_tokens",
  /** It wants a schema next to the type "json_object", as llama.cpp first had it and llama-cpp-python still does. */
  "response_format",
] as const;
export type RewrittenMember = (typeof rewrittenMembers)[number];

/** What a server was found to refuse. */
export type Refused = ReadonlySet<OptionalMember | RewrittenMember>;

/**
 * The JSON of a request. The same conversation gives the same text, member by member, and a longer one begins with it:
 * the server's own prefix cache works.
 */
export function chatBody(request: ServerChatRequest, refused: Refused, isStream = true): string {
  const { model, messages, tools = [], toolMode = "auto", jsonSchema, sampling = {}, thinking, thoughtField } = request;
  const wire = messages.map((message) => wireMessage(message, thoughtField));
  const continues = messages.at(-1)?.role === "assistant";
  const maxTokens = refused.has("max_tokens") ? "max_completion_tokens" : "max_tokens";
  // `undefined` members are left out by JSON.stringify.
  const body: Record<string, unknown> = {
    model,
    messages: wire,
    ...(tools.length > 0 ? { tools: tools.map(wireTool) } : {}),
    ...(tools.length > 0 && toolMode !== "auto" ? { tool_choice: toolMode === "words" ? "none" : toolMode } : {}),
    ...(jsonSchema === undefined
      ? {}
      : { response_format: responseFormat(jsonSchema, refused.has("response_format")) }),
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    repetition_penalty: sampling.repetitionPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    [maxTokens]: sampling.maxTokens,
    stop: sampling.stop?.length === 0 ? undefined : sampling.stop,
    ...(thinking === "on" || thinking === "off"
      ? { chat_template_kwargs: { enable_thinking: thinking === "on" } }
      : {}),
    ...(continues ? { add_generation_prompt: false, continue_final_message: true } : {}),
    stream: isStream,
    ...(isStream ? { stream_options: { include_usage: true } } : {}),
  };
  for (const member of optionalMembers) if (refused.has(member)) delete body[member];
  return JSON.stringify(body);
}

function responseFormat(schema: JsonSchema, asObject: boolean): object {
  if (typeof schema === "boolean") return { type: "json_object" };
  if (asObject) return { type: "json_object", schema };
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: true } };
}

/** The member of `body`, not refused before, that the words of a refusal name and the server can do without. */
export function refusedMember(
  body: string,
  words: string,
  refused: Refused,
): OptionalMember | RewrittenMember | undefined {
  return [...optionalMembers, ...rewrittenMembers].find(
    (member) => !refused.has(member) && body.includes(`"${member}":`) && new RegExp(`\\b${member}\\b`).test(words),
  );
}

function wireMessage(message: ChatMessage, thoughtField: ThoughtField | undefined): object {
  switch (message.role) {
    case "system":
    case "user":
      return { role: message.role, content: message.content };
    case "tool":
      return { role: "tool", tool_call_id: message.call, name: message.name, content: message.content };
    case "assistant": {
      const { content, thought = "", calls = [] } = message;
      return {
        role: "assistant",
        content,
        ...(thought !== "" && thoughtField !== undefined ? { [thoughtField]: thought } : {}),
        ...(calls.length > 0 ? { tool_calls: calls.map(wireCall) } : {}),
      };
    }
  }
}

function wireCall({ id, name, arguments: args }: { id: string; name: string; arguments: object }): object {
  return { id, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

function wireTool({ name, description, parameters = { type: "object", properties: {} } }: ToolSpec): object {
  return { type: "function", function: { name, description, parameters } };
}
