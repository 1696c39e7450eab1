import { createHash } from "node:crypto";
import { fitText } from "../../common/fitText";
import { type Formats, plural } from "../../common/format";
import type { Thinking } from "../../common/thinking";
import type { ChatModel, ListedModel } from "../../protocol/service";
import { modelsOwn, thinkingRows } from "../agents/thinkingChoices";
import { sentence } from "../commands/errorText";
import type { ChatModelInformation, ModelChoiceSchema } from "./chatApi";

/** Under this input, agents get no answer at all: their instructions and tools alone take more. */
const leastAgentTokens = 16_000;

export interface ModelFacts {
  /** The same model in the list of all, which knows its size. */
  readonly listed?: ListedModel | undefined;
  /** What its template lets its caller choose. */
  readonly thinkingChoices?: readonly Thinking[] | undefined;
}

export function modelInformation(
  model: ChatModel,
  { listed, thinkingChoices = [] }: ModelFacts,
  formats: Formats,
): ChatModelInformation {
  const { name, family, maxInputTokens, maxOutputTokens } = model;
  const whyNoTools = noTools(model, formats);
  const size = listed !== undefined && listed.weightBytes > 0 ? [formats.bytes(listed.weightBytes)] : [];
  const quantization = listed?.quantization ?? "";
  const lines = [
    `${name} on this machine. Nothing leaves it.`,
    `A request has room for ${plural(maxInputTokens, "token", formats)}, and ${formats.count(maxOutputTokens)} for its answer.`,
    ...(listed?.fit === undefined ? [] : [`Memory: ${fitText(listed.fit, formats)}.`]),
    ...(whyNoTools === undefined ? [] : [`Not for agents: ${sentence(whyNoTools)}`]),
  ];
  return {
    id: modelId(model),
    name,
    family,
    version: quantization === "" ? "1" : quantization,
    maxInputTokens,
    maxOutputTokens,
    detail: [...(quantization === "" ? [] : [quantization]), ...size].join(" · "),
    tooltip: lines.join("\n"),
    capabilities: { imageInput: false, toolCalling: whyNoTools === undefined },
    isUserSelectable: true,
    ...(thinkingChoices.length === 0
      ? {}
      : { configurationSchema: { properties: { thinking: thinkingSchema(thinkingChoices) } } }),
  };
}

function thinkingSchema(choices: readonly Thinking[]): ModelChoiceSchema {
  const rows = thinkingRows(choices, undefined);
  return {
    type: "string",
    title: "Thinking",
    enum: rows.map(({ thinking }) => thinking ?? modelsOwn),
    enumItemLabels: rows.map(({ label }) => label),
    enumDescriptions: rows.map(({ detail }) => detail),
    default: modelsOwn,
    group: "navigation",
  };
}

/**
 * Has the vendor in it, since ids that collide with another vendor's hide models, and a digest of the folder: two folders
 * may have the same name. The same in every window and after every restart.
 */
export function modelId({ name, directory }: Pick<ChatModel, "name" | "directory">): string {
  const digest = createHash("sha256").update(directory).digest("hex").slice(0, 8);
  return `resident-${name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-")}-${digest}`;
}

function noTools({ takesTools, whyNoTools, maxInputTokens }: ChatModel, formats: Formats): string | undefined {
  if (!takesTools) return whyNoTools ?? "the model's template has no place for tools";
  if (maxInputTokens >= leastAgentTokens) return undefined;
  const room = plural(maxInputTokens, "token", formats);
  return `an agent's instructions and tools need ${formats.count(leastAgentTokens)} tokens, and there is room for ${room}; a larger block pool may help (setting resident.pool.sizeMB)`;
}
