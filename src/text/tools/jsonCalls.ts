import { isObject, type JsonObject } from "../json";
import { readJson } from "./lenientJson";
import { behindSpace } from "./textReader";
import { type ReadCalls, type Reading, SpeltNumber, type WrittenCall } from "./written";

const fence = /```[\w-]*[ \t]*\r?\n?/y;
const argumentKeys = ["arguments", "parameters", "args", "input"];

/**
 * Calls that are JSON objects: one, several behind each other, or a list; in a fence or not. `undefined`: the text
 * begins with something else.
 */
export function readJsonCalls(text: string, reading: Reading): ReadCalls | undefined {
  const calls: WrittenCall[] = [];
  let at = behindFence(text, behindSpace(text, 0));
  const isList = text.charAt(at) === "[";
  if (isList) at += 1;
  let end = at;
  for (;;) {
    const start = behindSeparators(text, at);
    if (isList && text.charAt(start) === "]") return closed(text, calls, start + 1);
    if (text.charAt(start) !== "{") break;
    const read = readJson(text, start, reading);
    const call = read && callOf(read.value, reading);
    // A broken call ends the reading; what stands behind it is not looked at.
    if (read === undefined || call === undefined) return calls.length > 0 ? { calls, end, isWhole: false } : undefined;
    calls.push({ ...call, start, end: read.end });
    at = read.end;
    end = read.end;
  }
  if (calls.length === 0) return undefined;
  return isList ? { calls, end, isWhole: false } : closed(text, calls, end);
}

function closed(text: string, calls: readonly WrittenCall[], end: number): ReadCalls {
  // Some write a bracket too much.
  let behind = end;
  for (let next = behindSpace(text, behind); "}]".includes(text.charAt(next) || " "); ) {
    behind = next + 1;
    next = behindSpace(text, behind);
  }
  const fenced = behindSpace(text, behind);
  return { calls, end: text.startsWith("```", fenced) ? fenced + 3 : behind, isWhole: true };
}

function behindFence(text: string, at: number): number {
  fence.lastIndex = at;
  const found = fence.exec(text)?.[0];
  return found === undefined ? at : behindSpace(text, at + found.length);
}

function behindSeparators(text: string, at: number): number {
  let behind = behindSpace(text, at);
  while (text.charAt(behind) === "," || text.charAt(behind) === ";") behind = behindSpace(text, behind + 1);
  return behind;
}

/** `{name, arguments}`, also inside `{type: "function", function: …}`. */
function callOf(value: unknown, reading: Reading): Pick<WrittenCall, "name" | "arguments"> | undefined {
  if (!isObject(value)) return undefined;
  const inner = own(value, "function");
  if (isObject(inner)) return callOf(inner, reading);
  const name = own(value, "name") ?? inner;
  if (typeof name !== "string") return undefined;
  const key = argumentKeys.find((known) => Object.hasOwn(value, known));
  if (key !== undefined) {
    const given = argumentsOf(own(value, key), reading);
    return given && { name, arguments: given };
  }
  // The arguments next to the name, not in an object of their own.
  const rest = Object.entries(value).filter(([other]) => !["name", "function", "type", "id"].includes(other));
  return { name, arguments: new Map(rest) };
}

function own(value: JsonObject, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Arguments are an object, the text of one, or nothing. */
export function argumentsOf(value: unknown, reading: Reading): ReadonlyMap<string, unknown> | undefined {
  if (value === null || value === undefined || value === "") return new Map();
  if (value instanceof SpeltNumber) return undefined;
  if (isObject(value)) return new Map(Object.entries(value));
  if (typeof value !== "string") return undefined;
  const read = readJson(value, 0, reading);
  return read && isObject(read.value) ? new Map(Object.entries(read.value)) : undefined;
}
