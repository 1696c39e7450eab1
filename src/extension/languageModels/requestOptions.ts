import { isThinking, type Thinking } from "../../common/thinking";
import type { SamplingOptions } from "../../protocol/service";
import type { RequestOptions } from "./chatApi";

type NumberOption = Exclude<keyof SamplingOptions, "stop" | "logitBias">;

/** Names of sampling options in requests: those of OpenAI's API and what other programs call them, and ours. */
const numbers: Readonly<Record<string, NumberOption>> = {
  temperature: "temperature",
  top_p: "topP",
  topP: "topP",
  top_k: "topK",
  topK: "topK",
  min_p: "minP",
  minP: "minP",
  seed: "seed",
  repetition_penalty: "repetitionPenalty",
  repetitionPenalty: "repetitionPenalty",
  presence_penalty: "presencePenalty",
  presencePenalty: "presencePenalty",
  frequency_penalty: "frequencyPenalty",
  frequencyPenalty: "frequencyPenalty",
  max_tokens: "maxTokens",
  max_completion_tokens: "maxTokens",
  max_output_tokens: "maxTokens",
  maxTokens: "maxTokens",
};

type Options = Readonly<Record<string, unknown>> | undefined;

/** What a request says about sampling. Keys that begin with `_` are the host's own; others that are not known are ignored. */
export function requestSampling(options: Options): SamplingOptions {
  const said: [string, unknown][] = [];
  for (const [key, value] of Object.entries(options ?? {})) {
    const name = Object.hasOwn(numbers, key) ? numbers[key] : undefined;
    if (name !== undefined && typeof value === "number" && Number.isFinite(value)) said.push([name, value]);
    if (key === "stop" && isStop(value)) said.push(["stop", typeof value === "string" ? [value] : value]);
  }
  return Object.fromEntries(said);
}

/** VS Code's id of the chat, which survives reloads. Not final: absent for utility requests, and on older hosts. */
export function requestConversation(options: Options): string | undefined {
  const id = options?.["_conversationId"];
  return typeof id === "string" && id !== "" ? id : undefined;
}

/**
 * How the answer shall think: as the person chose it in the list of models, else not where the chat asks for none (inline
 * chat does). Not final, both. `undefined`: as the model does by itself.
 */
export function requestThinking({ modelConfiguration, modelOptions }: RequestOptions): Thinking | undefined {
  const chosen = modelConfiguration?.["thinking"];
  if (isThinking(chosen)) return chosen;
  return chosen === undefined && modelOptions?.["_enableThinking"] === false ? "off" : undefined;
}

function isStop(value: unknown): value is string | readonly string[] {
  return typeof value === "string" || (Array.isArray(value) && value.every((text) => typeof text === "string"));
}
