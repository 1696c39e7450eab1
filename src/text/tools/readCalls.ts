import type { DeclaredTools } from "./declaredTools";
import { closers, type TaggedFormat, type TaggedJsonFormat, type ToolFormat, toolFormats } from "./formats";
import { readGemmaCalls } from "./gemmaCalls";
import { readHarmonyCall } from "./harmonyMessages";
import { argumentsOf, readJsonCalls } from "./jsonCalls";
import { readJson } from "./lenientJson";
import { readPythonicCalls } from "./pythonicCalls";
import { readTaggedCalls } from "./taggedCalls";
import { behindSpace } from "./textReader";
import type { ReadCalls, Reading, WrittenCall } from "./written";

export interface BlockCalls extends ReadCalls {
  /**
   * A closing mark inside a value is told from the real one, since values have ends of their own. `false`: only by
   * what follows.
   */
  readonly endIsSure: boolean;
}

/**
 * The calls in the inside of a block: in the format's own form, else in the form that the text has, since models mix
 * them up. `undefined`: it has none.
 */
export function readCalls(
  inside: string,
  format: ToolFormat,
  tools: DeclaredTools,
  reading: Reading,
): BlockCalls | undefined {
  const own = readAs(format, inside, tools, reading);
  if (own !== undefined) return own;
  const other = formOf(inside);
  return other === undefined || other === format ? undefined : readAs(other, inside, tools, reading);
}

const taggedForms: readonly TaggedFormat[] = [toolFormats.qwenXml, toolFormats.glm].filter(
  (format): format is TaggedFormat => format.shape === "tagged",
);

function formOf(inside: string): ToolFormat | undefined {
  const head = inside.slice(behindSpace(inside, 0), behindSpace(inside, 0) + 200);
  if (/^(?:```[\w-]*\s*)?\[?\s*\{/.test(head)) return toolFormats.hermes;
  if (head.startsWith("<function=")) return toolFormats.qwenXml;
  if (/^call\s*:/.test(head)) return toolFormats.gemma4;
  if (/^[\w.-]+\s*<arg_key>/.test(head)) return toolFormats.glm;
  return /^\[?\s*[A-Za-z_][\w.-]*\s*\(/.test(head) ? toolFormats.pythonic : undefined;
}

function readAs(format: ToolFormat, inside: string, tools: DeclaredTools, reading: Reading): BlockCalls | undefined {
  const sure = (read: ReadCalls | undefined) => read && { ...read, endIsSure: true };
  switch (format.shape) {
    case "json":
      return sure(readJsonCalls(inside, reading));
    case "taggedJson":
      return sure(readNamedObject(inside, format, reading));
    case "pythonic":
      return sure(readPythonicCalls(inside, (name) => tools.keysOf(name), reading));
    case "gemma":
      return sure(readGemmaCalls(inside, format, reading));
    case "harmony":
      return sure(readHarmonyCall(inside, format, reading));
    case "tagged": {
      const read = readTaggedCalls(inside, format, tools, reading);
      return read && { ...read, endIsSure: false };
    }
  }
}

/** `NAME[ARGS]{…}`, the mark in the middle forgotten or not. */
function readNamedObject(inside: string, format: TaggedJsonFormat, reading: Reading): ReadCalls | undefined {
  const start = behindSpace(inside, 0);
  const head = /[\w.-]+/y;
  head.lastIndex = start;
  const name = head.exec(inside)?.[0];
  if (name === undefined) return undefined;
  let at = behindSpace(inside, start + name.length);
  if (format.callId !== "" && inside.startsWith(format.callId, at)) {
    at += format.callId.length;
    head.lastIndex = behindSpace(inside, at);
    at = head.lastIndex + (head.exec(inside)?.[0].length ?? 0);
    at = behindSpace(inside, at);
  }
  if (inside.startsWith(format.behindName, at)) at += format.behindName.length;
  const read = readJson(inside, at, reading);
  const given = read && argumentsOf(read.value, reading);
  if (read === undefined || given === undefined) return undefined;
  const call: WrittenCall = { name, arguments: given, start, end: read.end };
  return { calls: [call], end: read.end, isWhole: true };
}

/** What stands behind the calls of a block, other than the marks at its end. */
export function textBehindCalls(behind: string, format: ToolFormat): string {
  const text = closers(format).reduce((left, mark) => left.replaceAll(mark, ""), behind);
  return text.replace("```", "").trim();
}

/** Whether the inside of a block is written as calls are, though none can be read. */
export function looksLikeCalls(inside: string, format: ToolFormat): boolean {
  if (formOf(inside) !== undefined || format.shape === "harmony") return true;
  if (format.shape === "taggedJson") return inside.includes(format.behindName);
  return taggedForms.some(({ beforeKey, beforeName }) => {
    return inside.includes(beforeKey) || (beforeName !== "" && inside.includes(beforeName));
  });
}
