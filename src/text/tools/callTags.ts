import type { TaggedFormat } from "./formats";

/** One mark inside a call whose name, keys and values stand in marks. */
export interface CallTag {
  /** "call" begins a call, "key" an argument. */
  readonly kind: "call" | "callEnd" | "key" | "valueEnd";
  /** Of the call or of the argument. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** All marks in a text, in order. Linear in it. */
export function callTags(text: string, format: TaggedFormat): readonly CallTag[] {
  const tags = [...text.matchAll(patternOf(format))].map(tagOf);
  if (format.beforeName !== "") return tags;
  // The name is everything before the first key.
  const first = tags[0]?.start ?? text.length;
  const name = text.slice(0, Math.min(first, longestName)).trim();
  return first <= longestName && /^[\w.:-]+$/.test(name) ? [{ kind: "call", name, start: 0, end: first }, ...tags] : [];
}

const longestName = 200;

const xml =
  /<function=\s{0,8}["']?(?<call>[^<>"'\n]{1,200}?)["']?(?:\s{0,8}>|(?=\n))|(?<callEnd><\/function>)|<parameter=\s{0,8}["']?(?<key>[^<>"'\n]{1,200}?)["']?(?:\s{0,8}>|(?=\n))|(?<valueEnd><\/parameter>)/g;
const pairs =
  /<arg_key>\s{0,8}(?<key>[^<>]{1,200}?)\s{0,8}(?:<\/arg_key>(?:\s{0,8}<arg_value>|\n?)|<arg_value>)|(?<valueEnd><\/arg_value>)/g;

function patternOf({ beforeName }: TaggedFormat): RegExp {
  return beforeName === "" ? pairs : xml;
}

function tagOf(found: RegExpMatchArray): CallTag {
  const { call, callEnd, key } = found.groups ?? {};
  const start = found.index ?? 0;
  const place = { start, end: start + found[0].length };
  if (call !== undefined) return { kind: "call", name: call.trim(), ...place };
  if (callEnd !== undefined) return { kind: "callEnd", name: "", ...place };
  return key === undefined ? { kind: "valueEnd", name: "", ...place } : { kind: "key", name: key.trim(), ...place };
}
