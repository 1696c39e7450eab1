import type { GemmaFormat } from "./formats";
import { behindSpace, TextReader } from "./textReader";
import { deepestValue, type ReadCalls, type Reading, Spelt, type WrittenCall, writtenNumber } from "./written";

class Broken extends Error {}

const callName = /\s*(?:call\s*:\s*)?([\w.-]+)\s*/y;
/** What stands before a colon, but for signs that mean something. */
const bareKey = /[^\s:={}[\]()<>,"'`]+(?: [^\s:={}[\]()<>,"'`]+){0,8}/y;
const number = /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=\s*[,}\])])/y;
const word = /(?:true|false|null|True|False|None)(?=\s*[,}\])])/y;
/** A value without marks goes up to the next key, or to the bracket behind which everything is closed. */
const nextKey = /,\s*(?:<\|"\|>|<escape>|["'])?[\w.$-]{1,64}(?:<\|"\|>|<escape>|["'])?\s*[:=]/y;
const words = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/**
 * `call:f{k:<|"|>v<|"|>,n:1}`, several behind each other. Also `call:f(k="v")`: with long contexts models go back to
 * the form of other languages. `undefined`: the text begins with something else.
 */
export function readGemmaCalls(text: string, format: GemmaFormat, reading: Reading): ReadCalls | undefined {
  const calls: WrittenCall[] = [];
  let end = 0;
  for (let at = 0; ; at = end) {
    while (",;".includes(text.charAt(behindSpace(text, at)) || " ")) at = behindSpace(text, at) + 1;
    const start = behindSpace(text, at);
    if (!text.startsWith(format.beforeName, start)) {
      return calls.length > 0 ? { calls, end, isWhole: true } : undefined;
    }
    const reader = new GemmaReader(text, start, format.quote, reading === "repair");
    const call = reader.call();
    if (call === undefined) return calls.length > 0 ? { calls, end, isWhole: false } : undefined;
    end = reader.at;
    calls.push({ ...call, start, end });
  }
}

class GemmaReader extends TextReader {
  /** Quotes of which it is known that none behind ends a value: looking again would take quadratic time. */
  private readonly unended = new Set<string>();

  constructor(
    text: string,
    at: number,
    private readonly quote: string,
    private readonly repairs: boolean,
  ) {
    super(text, at);
  }

  call(): Pick<WrittenCall, "name" | "arguments"> | undefined {
    const name = this.exec(callName)?.[1];
    if (name === undefined) return undefined;
    const close = this.takes("{") ? "}" : this.takes("(") ? ")" : undefined;
    if (close === undefined) return undefined;
    try {
      // `call:f({…})`: the object in brackets.
      this.skipSpace();
      const isWrapped = close === ")" && this.text.charAt(this.at) === "{";
      if (isWrapped) this.at += 1;
      const given = this.members(isWrapped ? "}" : close, 0);
      if (isWrapped && !this.takes(")") && !this.repairs) return undefined;
      return { name, arguments: given };
    } catch (error) {
      if (error instanceof Broken) return undefined;
      throw error;
    }
  }

  private members(close: string, depth: number): ReadonlyMap<string, unknown> {
    const members = new Map<string, unknown>();
    for (;;) {
      while (this.takes(","));
      if (this.closes(close)) return members;
      const key = this.key();
      if (!this.takes(":") && !this.takes("=")) throw new Broken();
      members.set(key, this.value(close, depth + 1));
    }
  }

  private closes(bracket: string): boolean {
    this.skipSpace();
    if (this.at >= this.text.length && this.repairs) return true;
    return this.takes(bracket);
  }

  private key(): string {
    this.skipSpace();
    for (const quote of [this.quote, '"', "'"]) {
      if (!this.text.startsWith(quote, this.at)) continue;
      const end = this.text.indexOf(quote, this.at + quote.length);
      if (end < 0) throw new Broken();
      const key = this.text.slice(this.at + quote.length, end);
      this.at = end + quote.length;
      return key;
    }
    const key = this.match(bareKey);
    if (key === undefined) throw new Broken();
    return key;
  }

  private value(close: string, depth: number): unknown {
    if (depth > deepestValue) throw new Broken();
    this.skipSpace();
    if (this.text.startsWith(this.quote, this.at)) return this.marked();
    const first = this.text.charAt(this.at);
    if (first === "{" && this.isObject()) {
      this.at += 1;
      return Object.fromEntries(this.members("}", depth));
    }
    if (first === "[") return this.list(depth);
    if (first === '"' || first === "'") {
      const quoted = this.quoted(first, close);
      if (quoted !== undefined) return quoted;
    }
    const digits = this.match(number);
    if (digits !== undefined) return writtenNumber(digits);
    const known = this.match(word)?.toLowerCase();
    if (known !== undefined) return known === "none" ? null : words.get(known);
    return this.bare(close);
  }

  /** A brace begins an object only before a key or its end; else it belongs to a text without marks. */
  private isObject(): boolean {
    const object = /\{\s*(?:\}|(?:<\|"\|>|<escape>|["'])?[^\s:={}[\]()<>,"'`]{1,64}(?:<\|"\|>|<escape>|["'])?\s*[:=])/y;
    object.lastIndex = this.at;
    return object.test(this.text);
  }

  private list(depth: number): unknown {
    this.at += 1;
    const items: unknown[] = [];
    for (;;) {
      while (this.takes(","));
      if (this.closes("]")) return items;
      items.push(this.value("]", depth + 1));
    }
  }

  /** Between two marks nothing is escaped. A mark in the text itself is none where no value can end. */
  private marked(): string {
    const start = this.at + this.quote.length;
    for (let end = this.text.indexOf(this.quote, start); end >= 0; end = this.text.indexOf(this.quote, end + 1)) {
      const behind = end + this.quote.length;
      const next = this.text.charAt(behindSpace(this.text, behind));
      if (next !== "" && !",}])".includes(next)) continue;
      this.at = behind;
      return this.text.slice(start, end);
    }
    throw new Broken();
  }

  /** A text in the quotes of JSON. `undefined`: the quote is a character of a text without marks. */
  private quoted(quote: string, close: string): string | undefined {
    if (this.unended.has(quote + close)) return undefined;
    for (let at = this.at + 1; at < this.text.length; at += 1) {
      const character = this.text.charAt(at);
      if (character === "\\") {
        at += 1;
        continue;
      }
      if (character !== quote) continue;
      const behind = behindSpace(this.text, at + 1);
      nextKey.lastIndex = behind;
      const next = this.text.charAt(behind);
      const ends = next === "" || next === close || (close === "]" ? next === "," : nextKey.test(this.text));
      if (!ends) continue;
      const inside = this.text.slice(this.at + 1, at);
      this.at = at + 1;
      return unescaped(inside);
    }
    this.unended.add(quote + close);
    return undefined;
  }

  /** A text without any marks. */
  private bare(close: string): Spelt {
    let depth = 0;
    for (let at = this.at; at < this.text.length; at += 1) {
      const character = this.text.charAt(at);
      if ("{[(".includes(character)) depth += 1;
      else if (depth > 0 && "}])".includes(character)) depth -= 1;
      else if (depth === 0) {
        nextKey.lastIndex = at;
        const isEnd = character === close || (character === "," && (close === "]" || nextKey.test(this.text)));
        if (!isEnd) continue;
        const text = this.text.slice(this.at, at).trim();
        this.at = at;
        return new Spelt(text);
      }
    }
    throw new Broken();
  }
}

function unescaped(inside: string): string {
  if (!inside.includes("\\")) return inside;
  try {
    const text: unknown = JSON.parse(`"${inside.replace(/\\'/g, "'").replace(/[\n\r\t]/g, control)}"`);
    return typeof text === "string" ? text : inside;
  } catch {
    return inside;
  }
}

function control(character: string): string {
  return character === "\n" ? "\\n" : character === "\r" ? "\\r" : "\\t";
}
