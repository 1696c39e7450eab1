/** Calls and results as plain text, for templates that have no place for them. All texts are marked text. */
import { jsonText } from "./jinja/json";
import { toValue } from "./jinja/values";
import { isObject, type JsonObject, objectOf } from "./json";
import type { TemplateMessage } from "./messages";

/** JSON as Python writes it: models have seen it so. */
export function jsonLine(value: unknown): string {
  return jsonText(toValue(value), { indent: undefined, item: ", ", key: ": ", isAscii: false, isSorted: false });
}

export function callAsText(name: string, given: unknown): string {
  return `Called ${name} with ${typeof given === "string" ? given : jsonLine(given)}`;
}

export function resultAsText(name: string, content: string): string {
  return `Result of ${name}:\n${content}`;
}

export function isResult({ tool_call_id: call }: TemplateMessage): boolean {
  return call !== undefined;
}

export function resultInUser({ name = "", content }: TemplateMessage): TemplateMessage {
  return { role: "user", content: resultAsText(name, content ?? "") };
}

/** An answer whose calls stand in its text. */
export function callsInContent({ tool_calls: calls = [], ...answer }: TemplateMessage): TemplateMessage {
  const texts = calls.filter(isObject).map(callText);
  return { ...answer, content: [answer.content ?? "", ...texts].filter((text) => text !== "").join("\n\n") };
}

function callText(call: JsonObject): string {
  const { name, arguments: given } = objectOf(call["function"]);
  return callAsText(String(name), given);
}
