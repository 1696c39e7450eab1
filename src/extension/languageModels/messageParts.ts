/**
 * Parts of messages, told apart by their shape: those of tool results come as plain data from other programs, and parts
 * that are not final have no type to compare with.
 */
import { promptText } from "./promptText";

export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "call"; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: "result"; readonly call: string; readonly content: readonly unknown[] }
  /** Text in bytes. */
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  /** What this program cannot read. */
  | { readonly type: "unreadable"; readonly mimeType: string; readonly byteLength: number }
  /** Nothing for the model: marks of caches, thoughts of earlier answers, what is meant for people only. */
  | { readonly type: "none" };

const none: MessagePart = { type: "none" };

/** `LanguageModelPartAudience`: a part may be for the person or the extension only. */
const audienceModel = 0;

/** Data parts in which programs tell each other of caches, states and figures. */
const marks: ReadonlySet<string> = new Set([
  "cache_control",
  "context_management",
  "phase_data",
  "stateful_marker",
  "thinking",
  "usage",
]);

export function readPart(part: unknown): MessagePart {
  if (typeof part === "string") return { type: "text", text: part };
  if (typeof part !== "object" || part === null) return none;
  if ("audience" in part && Array.isArray(part.audience) && !isForModel(part.audience)) return none;
  if ("callId" in part && typeof part.callId === "string") return callPart(part, part.callId);
  if ("mimeType" in part && typeof part.mimeType === "string") return dataPart(part, part.mimeType);
  if (!("value" in part)) return none;
  // A thought has an id or metadata. Its marks are the template's, and models are not shown it again: it is left out.
  if ("id" in part || "metadata" in part || Array.isArray(part.value)) return none;
  return { type: "text", text: typeof part.value === "string" ? part.value : promptText(part.value) };
}

function isForModel(audience: readonly unknown[]): boolean {
  return audience.length === 0 || audience.includes(audienceModel);
}

function callPart(part: object, id: string): MessagePart {
  if ("content" in part) {
    const { content } = part;
    return { type: "result", call: id, content: Array.isArray(content) ? content : [content] };
  }
  const name = "name" in part && typeof part.name === "string" ? part.name : "";
  return { type: "call", id, name, input: "input" in part ? part.input : undefined };
}

function dataPart(part: object, mimeType: string): MessagePart {
  if (marks.has(mimeType)) return none;
  const data = "data" in part ? part.data : undefined;
  if (!(data instanceof Uint8Array)) return typeof data === "string" ? { type: "text", text: data } : none;
  if (isTextual(mimeType)) return { type: "bytes", bytes: data };
  return { type: "unreadable", mimeType, byteLength: data.byteLength };
}

/** "text/plain", "application/json", "application/vnd.api+json; charset=utf-8", and the "json" of older hosts. */
function isTextual(mimeType: string): boolean {
  const type = (mimeType.split(";")[0] ?? "").trim().toLowerCase();
  return type === "json" || type.startsWith("text/") || /[/+](x-)?(json|xml|yaml|javascript)$/.test(type);
}
