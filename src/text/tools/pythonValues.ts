import { TextReader } from "./textReader";
import { deepestValue, Spelt, SpeltNumber, writtenNumber } from "./written";

/** The text is no Python literal, or goes on behind its end. */
export class NoLiteral extends Error {}

const constants = new Map<string, unknown>([
  ["True", true],
  ["true", true],
  ["False", false],
  ["false", false],
  ["None", null],
  ["null", null],
]);
const name = /[^\W\d][\w-]*/uy;
const number = /[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const stringStart = /[rRbBuUfF]{0,2}('''|"""|'|")/y;
const escapes = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["b", "\b"],
  ["f", "\f"],
  ["v", "\v"],
  ["0", "\0"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
  ["\n", ""],
]);
const coded = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y;
/** What may follow the quote that really ends a string. */
const behindString = /\s*(?:[)\]}]|$|[,:])/y;
const lastInCall = /\s*(?:\)|,\s*[^\W\d][\w-]*\s*=)/uy;

/**
 * Reads Python literals, and JSON's words for them. A string may hold line ends. `repairs`: a backslash before the
 * quote that ends a string (`"C:\dir\"`) is a character like others.
 */
export class PythonReader extends TextReader {
  constructor(
    override readonly text: string,
    private readonly repairs: boolean,
  ) {
    super(text, 0);
  }

  value(depth = 0): unknown {
    if (depth > deepestValue) throw new NoLiteral();
    this.skipSpace();
    const first = this.text.charAt(this.at);
    if (first === "[") return this.items("[", "]", depth);
    if (first === "(") return this.items("(", ")", depth);
    if (first === "{") return this.dict(depth);
    const quote = this.exec(stringStart);
    if (quote !== null) return this.strings(quote);
    const digits = this.match(number);
    if (digits !== undefined) return numberOf(digits);
    const word = this.match(name);
    if (word === undefined) throw new NoLiteral();
    return constants.has(word) ? constants.get(word) : new Spelt(word);
  }

  private items(open: string, close: string, depth: number): readonly unknown[] {
    const items: unknown[] = [];
    if (!this.takes(open)) throw new NoLiteral();
    while (!this.takes(close)) {
      items.push(this.value(depth + 1));
      if (!this.takes(",") && !this.follows(close)) throw new NoLiteral();
    }
    return items;
  }

  private dict(depth: number): unknown {
    const entries: (readonly [string, unknown])[] = [];
    this.at += 1;
    while (!this.takes("}")) {
      const key = this.value(depth + 1);
      if (!this.takes(":")) throw new NoLiteral();
      const isSpelt = key instanceof Spelt || key instanceof SpeltNumber;
      entries.push([isSpelt ? key.text : String(key), this.value(depth + 1)]);
      if (!this.takes(",") && !this.follows("}")) throw new NoLiteral();
    }
    return Object.fromEntries(entries);
  }

  private follows(character: string): boolean {
    this.skipSpace();
    return this.text.charAt(this.at) === character;
  }

  /** Strings behind each other are one. */
  private strings(first: RegExpExecArray): string {
    const parts: string[] = [];
    for (let start: RegExpExecArray | null = first; start !== null; start = this.exec(stringStart)) {
      parts.push(this.string(start[1] ?? '"', /^[bBuUfF]*[rR]/.test(start[0])));
      this.skipSpace();
    }
    return parts.join("");
  }

  private string(quote: string, isRaw: boolean): string {
    const parts: string[] = [];
    let copied = this.at;
    for (let at = this.at; at < this.text.length; at += 1) {
      if (this.text.startsWith(quote, at)) {
        if (quote.length === 1 && this.repairs && !this.matches(behindString, at + 1)) continue;
        this.at = at + quote.length;
        parts.push(this.text.slice(copied, at));
        return parts.join("");
      }
      if (this.text.charAt(at) !== "\\") continue;
      if (this.repairs && this.text.charAt(at + 1) === quote && this.matches(lastInCall, at + 2)) continue;
      const escaped = isRaw ? undefined : this.escaped(at + 1);
      if (escaped !== undefined) {
        parts.push(this.text.slice(copied, at), escaped.text);
        copied = escaped.end;
      }
      at = (escaped?.end ?? at + 2) - 1;
    }
    throw new NoLiteral();
  }

  private matches(pattern: RegExp, at: number): boolean {
    pattern.lastIndex = at;
    return pattern.test(this.text);
  }

  /** `undefined`: the backslash is meant. */
  private escaped(at: number): { readonly text: string; readonly end: number } | undefined {
    const text = escapes.get(this.text.charAt(at));
    if (text !== undefined) return { text, end: at + 1 };
    coded.lastIndex = at;
    const found = coded.exec(this.text);
    if (found === null) return undefined;
    const point = Number.parseInt(found[1] ?? found[2] ?? found[3] ?? "", 16);
    return point > 0x10ffff ? undefined : { text: String.fromCodePoint(point), end: at + found[0].length };
  }
}

function numberOf(digits: string): number | SpeltNumber {
  const plain = digits.replaceAll("_", "");
  const isNegative = plain.startsWith("-");
  const value = Number(plain.replace(/^[+-]/, ""));
  return writtenNumber(digits, isNegative ? -value : value);
}
