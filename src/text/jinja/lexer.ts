import { TemplateError } from "./errors";
import { stripRight } from "./pythonText";

export interface Token {
  readonly kind: "text" | "begin" | "end" | "name" | "string" | "integer" | "float" | "operator";
  readonly text: string;
}

const operators = [..."** // == != >= <= + - / * % ~ [ ] ( ) { } = > < . : | , ;".split(" ")];
const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** A tag's end: white space after a minus, and the newline after a block or a comment (`trim_blocks`). */
const ends = {
  "{{": /-\}\}\s*|\}\}/y,
  "{%": /\+%\}|-%\}\s*|%\}\n?/y,
  "{#": /\+#\}|-#\}\s*|#\}\n?/g,
};
const rawBegin = /\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})/y;
const rawEnd = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const number =
  /((?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+))|(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)/y;
const decimals = /\d+/y;
const name = /[\p{L}_][\p{L}\p{N}_]*/uy;
const quotedText = /'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"/y;
const spaces = /\s+/y;

/** A template's source as tokens, with the white space that transformers' settings leave (`trim_blocks`, `lstrip_blocks`). */
export function tokenize(source: string): readonly Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).run();
}

interface Found {
  readonly token: Token;
  /** Length in the source. */
  readonly length: number;
}

class Lexer {
  private readonly tokens: Token[] = [];
  private at = 0;

  constructor(private readonly source: string) {}

  run(): readonly Token[] {
    while (this.at < this.source.length) {
      const next = this.nextTag(this.at);
      const kind = next < 0 ? undefined : this.source.slice(next, next + 2);
      if (kind === undefined) {
        this.text(this.source.slice(this.at));
        break;
      }
      this.textBefore(next, kind !== "{{", this.source.charAt(next + 2));
      if (kind === "{#") this.comment(next);
      else if (kind === "{%" && this.matches(rawBegin, next) !== undefined) this.raw(next);
      else this.tag(next, kind === "{{" ? "{{" : "{%");
    }
    return this.tokens;
  }

  private nextTag(from: number): number {
    for (let at = this.source.indexOf("{", from); at >= 0; at = this.source.indexOf("{", at + 1)) {
      if ("{%#".includes(this.source.charAt(at + 1)) && at + 1 < this.source.length) return at;
    }
    return -1;
  }

  /** The text before a tag: without the white space that the tag removes. */
  private textBefore(end: number, isBlock: boolean, sign: string): void {
    const text = this.source.slice(this.at, end);
    if (sign === "-") {
      this.text(stripRight(text));
      return;
    }
    const line = text.lastIndexOf("\n") + 1;
    const beginsLine = line > 0 || this.at === 0 || this.source.charAt(this.at - 1) === "\n";
    const isIndent = isBlock && sign !== "+" && beginsLine && /^\s*$/.test(text.slice(line));
    this.text(isIndent ? text.slice(0, line) : text);
  }

  private text(text: string): void {
    if (text !== "") this.tokens.push({ kind: "text", text });
  }

  private comment(from: number): void {
    ends["{#"].lastIndex = from + 2;
    const end = ends["{#"].exec(this.source);
    if (end === null) throw new TemplateError("Missing end of comment tag");
    this.at = end.index + end[0].length;
  }

  private raw(from: number): void {
    const begin = from + (this.matches(rawBegin, from)?.[0].length ?? 0);
    rawEnd.lastIndex = begin;
    const end = rawEnd.exec(this.source);
    if (end === null) throw new TemplateError("Missing end of raw directive");
    this.at = begin;
    this.textBefore(end.index, true, end[1] ?? "");
    this.at = end.index + end[0].length;
  }

  private tag(from: number, kind: "{{" | "{%"): void {
    this.tokens.push({ kind: "begin", text: kind });
    this.at = from + 2;
    if ("-+".includes(this.source.charAt(this.at)) && this.at < this.source.length) this.at += 1;
    const open: string[] = [];
    for (;;) {
      this.at += this.matches(spaces, this.at)?.[0].length ?? 0;
      if (this.at >= this.source.length) throw new TemplateError("unexpected end of template");
      const end = open.length === 0 ? this.matches(ends[kind], this.at) : undefined;
      if (end !== undefined) {
        this.tokens.push({ kind: "end", text: kind });
        this.at += end[0].length;
        return;
      }
      this.inTag(open);
    }
  }

  private inTag(open: string[]): void {
    const { token, length } = this.number() ?? this.word() ?? this.string() ?? this.operator();
    if (token.kind === "operator") {
      const close = closing[token.text];
      if (close !== undefined) open.push(close);
      else if (")]}".includes(token.text) && open.pop() !== token.text) {
        throw new TemplateError(`unexpected '${token.text}'`);
      }
    }
    this.tokens.push(token);
    this.at += length;
  }

  private number(): Found | undefined {
    const last = this.tokens.at(-1);
    const isIndex = last?.kind === "operator" && last.text === ".";
    const found = this.matches(isIndex ? decimals : number, this.at);
    if (found === undefined) return undefined;
    const kind = found[1] === undefined ? "integer" : "float";
    return { token: { kind, text: found[0].replaceAll("_", "") }, length: found[0].length };
  }

  private word(): Found | undefined {
    const found = this.matches(name, this.at);
    return found && { token: { kind: "name", text: found[0] }, length: found[0].length };
  }

  private string(): Found | undefined {
    const found = this.matches(quotedText, this.at);
    if (found === undefined) return undefined;
    return { token: { kind: "string", text: unescaped(found[1] ?? found[2] ?? "") }, length: found[0].length };
  }

  private operator(): Found {
    const found = operators.find((text) => this.source.startsWith(text, this.at));
    if (found !== undefined) return { token: { kind: "operator", text: found }, length: found.length };
    throw new TemplateError(`unexpected char '${this.source.charAt(this.at)}' at ${this.at}`);
  }

  private matches(pattern: RegExp, at: number): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.source) ?? undefined;
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\x07",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

/** Python's escapes in a text; others stay as they are. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (whole, byte?: string, short?: string, long?: string, octal?: string, other?: string) => {
      const hexadecimal = byte ?? short ?? long;
      if (hexadecimal !== undefined) return String.fromCodePoint(Number.parseInt(hexadecimal, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return escapes[other ?? ""] ?? whole;
    },
  );
}
