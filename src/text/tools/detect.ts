import type { ChatTemplate } from "../chatTemplate";
import type { JsonObject } from "../json";
import type { TemplateMessage } from "../messages";
import { templateTools } from "./canonical";
import { type ToolFormat, type ToolFormatName, toolFormats } from "./formats";

/**
 * How a model writes calls, found by rendering its template with tools and calls: the form in which the template writes
 * an earlier call is the one that the model was trained on. A template that writes no calls may tell the model the form
 * among the tools. `undefined`: it knows no tools, or has a form that is none of ours.
 */
export function toolFormatOf(template: ChatTemplate): ToolFormat | undefined {
  const withTools = rendered(template, [question], tools) ?? rendered(template, [system, question], tools);
  if (withTools === undefined || !withTools.includes(toolName)) return undefined;
  const written = writtenCall(template);
  const known = written === undefined ? undefined : order.find((format) => writes(format, written));
  if (known !== undefined && written !== undefined) return fitted(known, written);
  const without = rendered(template, [question], undefined) ?? rendered(template, [system, question], undefined) ?? "";
  return order.find((format) => isTold(format, withTools, without));
}

const toolName = "probe_tool";
const key = "probe_key";
const value = "probe_value";
const asked = "probe_question";

const tools = templateTools([
  {
    name: toolName,
    description: "A probe.",
    parameters: { type: "object", properties: { [key]: { type: "string", description: "A key." } }, required: [key] },
  },
]);
const system: TemplateMessage = { role: "system", content: "probe_system" };
const question: TemplateMessage = { role: "user", content: asked };
/** Nine letters and digits, since Mistral's templates take no other ids. */
const id = "probe0001";
const result: TemplateMessage = { role: "tool", content: "probe_result", name: toolName, tool_call_id: id };

/** Templates take the arguments as an object or as its text, and some refuse a conversation that ends with a call. */
const conversations: readonly (readonly TemplateMessage[])[] = [
  { [key]: value },
  JSON.stringify({ [key]: value }),
].flatMap((given) => {
  const call = { id, type: "function", function: { name: toolName, arguments: given } };
  const answer: TemplateMessage = { role: "assistant", content: "", tool_calls: [call] };
  return [
    [question, answer, result],
    [question, answer],
    [system, question, answer, result],
  ];
});

/** The text of a call, from the question on. */
function writtenCall(template: ChatTemplate): string | undefined {
  for (const conversation of conversations) {
    const text = rendered(template, conversation, tools);
    const from = text?.lastIndexOf(asked) ?? -1;
    const written = text?.slice(from + asked.length);
    if (from >= 0 && written?.includes(toolName) && written.includes(value)) return written;
  }
  return undefined;
}

function rendered(
  template: ChatTemplate,
  messages: readonly TemplateMessage[],
  given: readonly JsonObject[] | undefined,
): string | undefined {
  try {
    return template.render(messages, false, given === undefined ? {} : { variables: { tools: given } });
  } catch {
    // What a template refuses, it refuses when a prompt is built.
    return undefined;
  }
}

/** Where two formats have the same mark, the one with more marks comes first. Those without a mark come last. */
const names: readonly ToolFormatName[] = [
  "harmony",
  "seedXml",
  "qwenXml",
  "glm",
  "gemma4",
  "functionGemma",
  "mistralArgs",
  "mistralList",
  "granite",
  "lfm2",
  "olmo",
  "hermes",
  "llamaJson",
  "pythonic",
];
const order: readonly ToolFormat[] = names.map((name) => toolFormats[name]);

function writes(format: ToolFormat, text: string): boolean {
  const open = quoted(format.open);
  switch (format.shape) {
    case "json": {
      const list = format.isList ? "\\[\\s*" : "";
      const object = `${open}\\s*${list}\\{[^{}]*"${format.nameKey}"\\s*:\\s*"${toolName}"`;
      return has(text, object) && has(text, `"${format.argumentsKey}"\\s*:`);
    }
    case "taggedJson":
      return has(text, `${open}\\s*${toolName}[^{}]*${quoted(format.behindName)}`);
    case "tagged": {
      const call = `${open}\\s*${quoted(format.beforeName)}${toolName}${quoted(format.behindName.trim())}`;
      return has(text, `${call}\\s*${quoted(format.beforeKey)}${key}`);
    }
    case "pythonic":
      return has(text, `${open}\\s*${format.isList ? "\\[\\s*" : ""}${toolName}\\s*\\(\\s*${key}\\s*=`);
    case "harmony":
      return has(text, `to=functions\\.${toolName}`);
    case "gemma":
      return text.includes(`${format.open}${format.beforeName}${toolName}${format.beforeArguments}`);
  }
}

/** Whether the template tells the model to write so: its marks come into the prompt with the tools. */
function isTold(format: ToolFormat, withTools: string, without: string): boolean {
  const told = (mark: string) => mark !== "" && withTools.includes(mark) && !without.includes(mark);
  switch (format.shape) {
    case "json":
      // The schemas of tools have "name" and "parameters" too; in a form, the name has no quotes.
      if (format.open !== "") return told(format.open);
      return has(withTools, `\\{\\s*"${format.nameKey}"\\s*:\\s*[^"\\s][^{}]*"${format.argumentsKey}"\\s*:`);
    case "taggedJson":
      return told(format.open) && told(format.behindName);
    case "tagged":
      return told(format.open) && told(format.beforeKey);
    case "pythonic":
      return format.open === "" ? has(withTools, "\\[\\w+\\(\\w+=[^\\]]*\\)[^\\]]*\\]") : told(format.open);
    case "harmony":
      return told("to=functions.") || (told(format.channel) && told("namespace functions"));
    case "gemma":
      return told(format.open);
  }
}

/** The format with the white space and the marks that this template writes. */
function fitted(format: ToolFormat, text: string): ToolFormat {
  if (format.shape === "tagged" && has(text, `${toolName}${quoted(format.beforeKey)}`)) {
    const bare = (part: string) => part.replaceAll("\n", "");
    const { behindName, behindKey, behindValue } = format;
    return { ...format, behindName: bare(behindName), behindKey: bare(behindKey), behindValue: bare(behindValue) };
  }
  if (format.shape === "taggedJson" && !text.includes(format.callId)) return { ...format, callId: "" };
  if (format.shape !== "json" || format.open === "") return format;
  const inside = found(text, `${quoted(format.open)}(\\s*)[[{]`) ?? format.inside;
  const behind = format.close === "" ? undefined : found(text, `[\\]}](\\s*)${quoted(format.close)}`);
  return { ...format, inside, behind: behind ?? format.behind };
}

function found(text: string, pattern: string): string | undefined {
  return new RegExp(pattern).exec(text)?.[1];
}

function has(text: string, pattern: string): boolean {
  return new RegExp(pattern).test(text);
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
