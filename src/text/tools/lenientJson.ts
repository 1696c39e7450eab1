import { behindSpace, TextReader } from "./textReader";
import { deepestValue, isPlainNumber, type Reading, writtenNumber } from "./written";

export interface ReadValue {
  readonly value: unknown;
  /** Behind its last character. */
  readonly end: number;
}

/**
 * The JSON value at `at`, white space before it left out. Takes what models write that is not JSON: line ends inside
 * strings, single quotes, keys without quotes, Python's words, commas at the end. "repair" also closes what is open at
 * the end of the text, and takes quotes inside a string that are not escaped. Numbers that are written otherwise than their
 * values are `SpeltNumber`s. `undefined`: there is none, or it goes on behind the end. Linear in the text.
 */
export function readJson(text: string, at: number, reading: Reading): ReadValue | undefined {
  const start = behindSpace(text, at);
  return exactJson(text, start) ?? lenientJson(text, start, "strict") ?? lenientJson(text, start, reading);
}

function exactJson(text: string, start: number): ReadValue | undefined {
  const end = bracketEnd(text, start);
  if (end === undefined) return undefined;
  try {
    const json = text.slice(start, end);
    const value: unknown = JSON.parse(json);
    return hasPlainNumbers(json) ? { value, end } : undefined;
  } catch {
    return undefined;
  }
}

/** Behind the bracket that closes the one at `start`; brackets in strings do not count. */
function bracketEnd(text: string, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === 0x5c) at += 1;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x7b || character === 0x5b) {
      depth += 1;
      if (depth > deepestValue) return undefined;
    } else if (character === 0x7d || character === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
    if (depth === 0) return undefined;
  }
  return undefined;
}

const numberInJson = /-?\d[\d.eE+-]*/y;

/** Of valid JSON: whether nothing is lost of how its numbers are written. No pattern for strings: they may be megabytes. */
function hasPlainNumbers(json: string): boolean {
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      numberInJson.lastIndex = at;
      const written = numberInJson.exec(json)?.[0] ?? "";
      if (!isPlainNumber(written)) return false;
      at += written.length - 1;
    }
  }
  return true;
}

class Broken extends Error {}

function lenientJson(text: string, start: number, reading: Reading): ReadValue | undefined {
  const reader = new LenientReader(text, start, reading === "repair");
  try {
    const value = reader.value(0, "object");
    return { value, end: reader.at };
  } catch (error) {
    if (error instanceof Broken) return undefined;
    throw error;
  }
}

const words = new Map<string, unknown>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["null", null],
  ["None", null],
]);
const word = /[A-Za-z_$][\w$-]*/y;
const number = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const escapes = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["b", "\b"],
  ["f", "\f"],
  ["/", "/"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);
const unit = /[0-9a-fA-F]{4}/y;
/** What may follow the quote that really ends a string. */
const behindValue = /\s*(?:[}\]]\s*)*(?:$|,\s*(?:["']?[\w.$-]{1,64}["']?\s*:|[{[}\]]))/y;
const behindItem = /\s*(?:[}\]]|$|,)/y;
const behindKey = /\s*:/y;

type Place = "object" | "list" | "key";

class LenientReader extends TextReader {
  constructor(
    text: string,
    at: number,
    private readonly repairs: boolean,
  ) {
    super(text, at);
  }

  value(depth: number, place: Place): unknown {
    if (depth > deepestValue) throw new Broken();
    this.skipSpace();
    const first = this.text.charAt(this.at);
    if (first === "{") return this.object(depth);
    if (first === "[") return this.list(depth);
    if (first === '"' || first === "'") return this.string(first, place);
    const written = this.match(number);
    if (written !== undefined) return writtenNumber(written);
    const name = this.match(word);
    if (name === undefined || !words.has(name)) throw new Broken();
    return words.get(name);
  }

  private object(depth: number): unknown {
    this.at += 1;
    const entries: (readonly [string, unknown])[] = [];
    for (;;) {
      this.skipSeparators();
      if (this.closes("}")) return Object.fromEntries(entries);
      const first = this.text.charAt(this.at);
      const key = first === '"' || first === "'" ? this.string(first, "key") : this.match(word);
      if (key === undefined) throw new Broken();
      this.skipSpace();
      if (this.text.charAt(this.at) !== ":") throw new Broken();
      this.at += 1;
      entries.push([key, this.value(depth + 1, "object")]);
    }
  }

  private list(depth: number): unknown {
    this.at += 1;
    const items: unknown[] = [];
    for (;;) {
      this.skipSeparators();
      if (this.closes("]")) return items;
      items.push(this.value(depth + 1, "list"));
    }
  }

  /** At the end of the text a repair closes everything that is open. */
  private closes(bracket: string): boolean {
    if (this.at >= this.text.length) {
      if (!this.repairs) throw new Broken();
      return true;
    }
    if (this.text.charAt(this.at) !== bracket) return false;
    this.at += 1;
    return true;
  }

  private string(quote: string, place: Place): string {
    const parts: string[] = [];
    let copied = this.at + 1;
    for (let at = copied; at < this.text.length; at += 1) {
      const character = this.text.charAt(at);
      if (character === "\\") {
        const escaped = this.escaped(at + 1);
        if (escaped !== undefined) {
          parts.push(this.text.slice(copied, at), escaped.text);
          copied = escaped.end;
        }
        at = (escaped?.end ?? at + 2) - 1;
      } else if (character === quote && (!this.repairs || this.ends(at + 1, place))) {
        parts.push(this.text.slice(copied, at));
        this.at = at + 1;
        return parts.join("");
      }
    }
    throw new Broken();
  }

  private ends(behind: number, place: Place): boolean {
    const pattern = place === "key" ? behindKey : place === "list" ? behindItem : behindValue;
    pattern.lastIndex = behind;
    return pattern.test(this.text);
  }

  /** `undefined`: no escape of JSON; the backslash is meant. */
  private escaped(at: number): { readonly text: string; readonly end: number } | undefined {
    const letter = this.text.charAt(at);
    const text = escapes.get(letter);
    if (text !== undefined) return { text, end: at + 1 };
    if (letter !== "u") return undefined;
    unit.lastIndex = at + 1;
    const digits = unit.exec(this.text)?.[0];
    return digits === undefined ? undefined : { text: String.fromCharCode(Number.parseInt(digits, 16)), end: at + 5 };
  }

  private skipSeparators(): void {
    this.skipSpace();
    while (this.text.charAt(this.at) === ",") {
      this.at += 1;
      this.skipSpace();
    }
  }
}
