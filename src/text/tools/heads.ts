/** How the beginnings of calls look, matched against text of which more may come. */

/** A text; any white space; the name of a declared tool; one of some characters. */
export type HeadPart = string | typeof space | typeof toolName | { readonly oneOf: string };
export const space = Symbol("space");
export const toolName = Symbol("name");

export type Head = readonly HeadPart[];

/** "maybe": it may become one with the text behind. */
export type HeadMatch = { readonly is: "no" | "maybe" } | { readonly is: "yes"; readonly end: number };

/** A head that is still no call behind so many characters is none. */
const longestHead = 256;

const no = { is: "no" } as const;
const maybe = { is: "maybe" } as const;

/** Whether `head` begins at `at`. Takes constant time for a given set of names. */
export function matchHead(text: string, at: number, head: Head, names: readonly string[]): HeadMatch {
  const limit = at + longestHead;
  let here = at;
  for (const part of head) {
    if (part === space) {
      while (here < Math.min(text.length, limit) && text.charAt(here).trim() === "") here += 1;
      if (here >= limit) return no;
    } else if (part === toolName) {
      const end = nameEnd(text, here, names);
      if (end === "maybe") return maybe;
      if (end === undefined || end > limit) return no;
      here = end;
    } else if (typeof part === "string") {
      if (here + part.length > text.length) return part.startsWith(text.slice(here)) ? maybe : no;
      if (!text.startsWith(part, here)) return no;
      here += part.length;
    } else {
      if (here >= text.length) return maybe;
      if (!part.oneOf.includes(text.charAt(here))) return no;
      here += 1;
    }
  }
  return { is: "yes", end: here };
}

const nameCharacter = /[\w.-]/;
const prefix = "functions.";

/** Behind the whole name of a tool at `at`. A longer word that begins with a name is none. */
function nameEnd(text: string, at: number, names: readonly string[]): number | "maybe" | undefined {
  const rest = text.slice(at, at + longestHead);
  if (prefix.startsWith(rest) && rest !== prefix) return "maybe";
  const from = rest.startsWith(prefix) ? prefix.length : 0;
  const word = rest.slice(from);
  let end: number | undefined;
  for (const name of names) {
    if (name.startsWith(word)) return "maybe";
    if (!word.startsWith(name) || nameCharacter.test(word.charAt(name.length))) continue;
    end = at + from + name.length;
  }
  return end;
}
