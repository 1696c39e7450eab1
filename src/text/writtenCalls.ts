import { floatText } from "./jinja/pythonText";
import { isObject, type JsonObject } from "./json";
import { jsonLine } from "./toolFoldings";
import type { GemmaFormat, HarmonyFormat, TaggedFormat, ToolFormat } from "./tools/formats";

interface WrittenCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/**
 * Calls as the model itself writes them, for templates that tell it of tools and leave it to the answer's content to
 * hold the calls. `calls`: marked text; the format's marks are tokens where the vocabulary has them.
 */
export function writtenCalls(format: ToolFormat, calls: readonly WrittenCall[]): string {
  const { open, inside, behind, close, betweenCalls, betweenBlocks } = format;
  const texts = calls.map((call) => callText(format, call));
  const block = (text: string) => open + inside + text + behind + close;
  const isList = (format.shape === "json" || format.shape === "pythonic") && format.isList;
  if (isList) return block(`[${texts.join(betweenCalls ?? ", ")}]`);
  return betweenCalls === undefined ? texts.map(block).join(betweenBlocks ?? "\n") : block(texts.join(betweenCalls));
}

function callText(format: ToolFormat, call: WrittenCall): string {
  const { name, arguments: given } = call;
  const entries = Object.entries(given);
  switch (format.shape) {
    case "json":
      return `{"${format.nameKey}": ${jsonLine(name)}, "${format.argumentsKey}": ${jsonLine(given)}}`;
    case "taggedJson":
      return format.beforeName + name + format.behindName + jsonLine(given);
    case "tagged":
      return taggedCall(format, name, entries);
    case "pythonic":
      return `${name}(${entries.map(([key, value]) => `${key}=${pythonText(value)}`).join(", ")})`;
    case "harmony":
      return harmonyCall(format, name, given);
    case "gemma":
      return format.beforeName + name + gemmaObject(format, given);
  }
}

function taggedCall(format: TaggedFormat, name: string, entries: readonly (readonly [string, unknown])[]): string {
  const { beforeName, behindName, beforeKey, behindKey, behindValue, behindCall } = format;
  const values = entries.map(([key, value]) => {
    const text = typeof value === "string" ? value : jsonLine(value);
    return beforeKey + key + behindKey + text + behindValue;
  });
  return beforeName + name + behindName + values.join("") + behindCall;
}

/** The message's start and role stand in the prompt. */
function harmonyCall(format: HarmonyFormat, name: string, given: JsonObject): string {
  const { channel, channelName, beforeName, constrain, contentType, message } = format;
  return channel + channelName + beforeName + name + constrain + contentType + message + jsonLine(given);
}

function gemmaObject(format: GemmaFormat, given: JsonObject): string {
  const { beforeArguments, behindKey, betweenArguments, behindArguments } = format;
  const entries = Object.entries(given).map(([key, value]) => key + behindKey + gemmaValue(format, value));
  return beforeArguments + entries.join(betweenArguments) + behindArguments;
}

function gemmaValue(format: GemmaFormat, value: unknown): string {
  if (typeof value === "string") return format.quote + value + format.quote;
  if (Array.isArray(value)) return `[${value.map((item) => gemmaValue(format, item)).join(format.betweenArguments)}]`;
  return isObject(value) ? gemmaObject(format, value) : jsonLine(value);
}

/** A Python literal, with strings in JSON's quotes. */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : floatText(value);
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (!isObject(value)) return jsonLine(value);
  const entries = Object.entries(value).map(([key, item]) => `${jsonLine(key)}: ${pythonText(item)}`);
  return `{${entries.join(", ")}}`;
}
