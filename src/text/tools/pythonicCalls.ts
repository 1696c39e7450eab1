import { NoLiteral, PythonReader } from "./pythonValues";
import { behindSpace } from "./textReader";
import type { ReadCalls, Reading, WrittenCall } from "./written";

const fence = /\s*```\w*[ \t]*\n?/y;
const dottedName = /[^\W\d][\w.-]*/uy;
const keyword = /([^\W\d][\w-]*)\s*=(?!=)/uy;

/** The keys of arguments that were given without one, in the order in which a tool declares them. */
export type KeysOf = (name: string) => readonly string[];

/** `[f(a=1), g(b="x")]`, with or without the brackets, between calls commas or line ends. */
export function readPythonicCalls(text: string, keysOf: KeysOf, reading: Reading): ReadCalls | undefined {
  const exact = readAll(new PythonReader(text, false), keysOf);
  if (exact?.isWhole === true || reading === "strict") return exact;
  return readAll(new PythonReader(text, true), keysOf) ?? exact;
}

function readAll(reader: PythonReader, keysOf: KeysOf): ReadCalls | undefined {
  const calls: WrittenCall[] = [];
  reader.match(fence);
  const isList = reader.takes("[");
  let end = reader.at;
  for (;;) {
    while (reader.takes(",") || reader.takes(";")) end = reader.at;
    if (isList && reader.takes("]")) {
      reader.match(fence);
      return calls.length > 0 ? { calls, end: reader.at, isWhole: true } : undefined;
    }
    reader.skipSpace();
    if (reader.at >= reader.text.length || (!isList && calls.length > 0 && reader.match(fence) !== undefined)) break;
    const start = reader.at;
    const call = readCall(reader, keysOf);
    if (call === undefined) {
      if (calls.length === 0) return undefined;
      // A list that was not closed, or other text behind calls in lines.
      return { calls, end, isWhole: !isList && !looksLikeCall(reader.text, start) };
    }
    calls.push({ ...call, start, end: reader.at });
    end = reader.at;
  }
  return calls.length > 0 ? { calls, end: isList ? end : reader.at, isWhole: !isList } : undefined;
}

function looksLikeCall(text: string, at: number): boolean {
  dottedName.lastIndex = at;
  const found = dottedName.exec(text);
  return found !== null && text.charAt(behindSpace(text, at + found[0].length)) === "(";
}

function readCall(reader: PythonReader, keysOf: KeysOf): Pick<WrittenCall, "name" | "arguments"> | undefined {
  const name = reader.match(dottedName);
  if (name === undefined || !reader.takes("(")) return undefined;
  try {
    return { name, arguments: readArguments(reader, keysOf(name)) };
  } catch (error) {
    if (error instanceof NoLiteral) return undefined;
    throw error;
  }
}

function readArguments(reader: PythonReader, keys: readonly string[]): ReadonlyMap<string, unknown> {
  const given = new Map<string, unknown>();
  for (let index = 0; !reader.takes(")"); index += 1) {
    reader.skipSpace();
    const named = reader.match(keyword);
    const key = named === undefined ? keys[index] : named.replace(/\s*=$/, "");
    if (key === undefined) throw new NoLiteral();
    given.set(key, reader.value());
    if (reader.takes(",")) continue;
    if (reader.takes(")")) return given;
    throw new NoLiteral();
  }
  return given;
}
