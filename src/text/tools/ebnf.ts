/** Context-free grammars as data, and their text in xgrammar's EBNF (GBNF with `{m,n}`). */

/** Code points, both ends included. */
export type CharRange = readonly [from: number, to: number];

export type Expression =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "chars"; readonly ranges: readonly CharRange[]; readonly isNot: boolean }
  | { readonly kind: "sequence"; readonly of: readonly Expression[] }
  | { readonly kind: "choice"; readonly of: readonly Expression[] }
  /** `most` absent: any number. */
  | { readonly kind: "repeat"; readonly of: Expression; readonly least: number; readonly most?: number }
  | { readonly kind: "rule"; readonly name: string };

export const nothing: Expression = { kind: "sequence", of: [] };

export function literal(text: string): Expression {
  return text === "" ? nothing : { kind: "literal", text };
}

function rangesOf(spec: string): readonly CharRange[] {
  const points = Array.from(spec, (char) => char.codePointAt(0) ?? 0);
  const ranges: CharRange[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) ranges.push([points[i] ?? 0, points[i + 1] ?? 0]);
  return ranges;
}

/** One character of these ranges, written as pairs: `"azAZ__"` is a letter or `_`. */
export function chars(pairs: string): Expression {
  return { kind: "chars", ranges: rangesOf(pairs), isNot: false };
}

/** One character outside these ranges. */
export function notChars(pairs: string): Expression {
  return { kind: "chars", ranges: rangesOf(pairs), isNot: true };
}

/** One character that is none of these. */
export function noneOf(characters: Iterable<string>): Expression {
  return notChars([...characters].map((char) => char + char).join(""));
}

export function sequence(...of: readonly Expression[]): Expression {
  const flat = of.flatMap((part) => (part.kind === "sequence" ? part.of : [part]));
  const joined: Expression[] = [];
  for (const part of flat) {
    const last = joined.at(-1);
    if (part.kind === "literal" && last?.kind === "literal") {
      joined[joined.length - 1] = { kind: "literal", text: last.text + part.text };
    } else joined.push(part);
  }
  const [only] = joined;
  return joined.length === 1 && only !== undefined ? only : { kind: "sequence", of: joined };
}

/** `of` has at least one member. */
export function choice(...of: readonly Expression[]): Expression {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: "choice", of };
}

export function repeat(of: Expression, least: number, most?: number): Expression {
  if (most === 0) return nothing;
  if (least === 1 && most === 1) return of;
  return { kind: "repeat", of, least, ...(most === undefined ? {} : { most }) };
}

export function optional(of: Expression): Expression {
  return repeat(of, 0, 1);
}

export function rule(name: string): Expression {
  return { kind: "rule", name };
}

/** The rules of one grammar. The first one is `root`. */
export class Grammar {
  private readonly byName = new Map<string, Expression | undefined>([["root", undefined]]);
  private nextNumber = 0;

  /** A rule under a name of its own. */
  add(hint: string, body: Expression): Expression {
    const name = this.reserve(hint);
    this.byName.set(name, body);
    return rule(name);
  }

  /** A name for a rule that is set later: rules may refer to themselves. */
  reserve(hint: string): string {
    this.nextNumber += 1;
    const name = `${hint}-${this.nextNumber}`;
    this.byName.set(name, undefined);
    return name;
  }

  set(name: string, body: Expression): void {
    this.byName.set(name, body);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** Throws RangeError where a reserved rule was never set. */
  get rules(): ReadonlyMap<string, Expression> {
    const rules = new Map<string, Expression>();
    for (const [name, body] of this.byName) {
      if (body === undefined) throw new RangeError(`the rule ${name} has no body`);
      rules.set(name, body);
    }
    return rules;
  }

  /**
   * `named`: words that the text is to show as they are, in a comment; the code that compiles the grammar looks for the
   * names of control tokens in its text, and literals are written with escapes.
   */
  text(named: readonly string[] = []): string {
    const comments = named.length === 0 ? [] : [`# ${named.join(" ").replace(/[\r\n]/g, " ")}`];
    return [...comments, ...Array.from(this.rules, ([name, body]) => `${name} ::= ${written(body)}`), ""].join("\n");
  }
}

function written(expression: Expression): string {
  switch (expression.kind) {
    case "literal":
      return `"${Array.from(expression.text, escaped).join("")}"`;
    case "chars":
      return `[${expression.isNot ? "^" : ""}${expression.ranges.map(rangeText).join("")}]`;
    case "sequence":
      return expression.of.length === 0 ? '""' : expression.of.map(asMember).join(" ");
    case "choice":
      return expression.of.map((one) => (one.kind === "choice" ? asPart(one) : written(one))).join(" | ");
    case "repeat":
      if (isCounted(expression) && isRegular(expression.of)) return automaton(expression);
      return asPart(expression.of) + countText(expression.least, expression.most);
    case "rule":
      return expression.name;
  }
}

/** Fewer are as quick when they are written one by one. */
const fewestCounted = 8;

function isCounted({ least, most }: { readonly least: number; readonly most?: number }): boolean {
  return (most ?? least) >= fewestCounted;
}

/** No rule stands in it. */
function isRegular(expression: Expression): boolean {
  switch (expression.kind) {
    case "literal":
    case "chars":
      return true;
    case "sequence":
    case "choice":
      return expression.of.every(isRegular);
    case "repeat":
      return isRegular(expression.of);
    case "rule":
      return false;
  }
}

/**
 * xgrammar makes one automaton of it, and knows for each of its states which words may follow. Written as a part of a rule
 * each repetition is a rule of its own, and most words are tried at each step: 60 characters cost 80 ms a token.
 */
function automaton(expression: Expression): string {
  return `Regex("${Array.from(pattern(expression), escaped).join("")}")`;
}

function pattern(expression: Expression): string {
  switch (expression.kind) {
    case "literal":
      return Array.from(expression.text, (char) => patternCode(char.codePointAt(0) ?? 0)).join("");
    case "chars": {
      const ranges = expression.ranges.map(([from, to]) => {
        return from === to ? patternCode(from) : `${patternCode(from)}-${patternCode(to)}`;
      });
      return `[${expression.isNot ? "^" : ""}${ranges.join("")}]`;
    }
    case "sequence":
      return expression.of.map((one) => (one.kind === "choice" ? group(one) : pattern(one))).join("");
    case "choice":
      return expression.of.map(pattern).join("|");
    case "repeat":
      return group(expression.of) + countText(expression.least, expression.most);
    case "rule":
      throw new RangeError(`a pattern cannot refer to the rule ${expression.name}`);
  }
}

function group(expression: Expression): string {
  return expression.kind === "chars" ? pattern(expression) : `(${pattern(expression)})`;
}

function patternCode(code: number): string {
  if (isAlphanumeric(code)) return String.fromCodePoint(code);
  const hex = code.toString(16);
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

function asMember(expression: Expression): string {
  return expression.kind === "repeat" ? written(expression) : asPart(expression);
}

function asPart(expression: Expression): string {
  const isBare = expression.kind === "literal" || expression.kind === "chars" || expression.kind === "rule";
  return isBare ? written(expression) : `(${written(expression)})`;
}

function countText(least: number, most: number | undefined): string {
  if (most === undefined && least < 2) return least === 0 ? "*" : "+";
  if (least === 0 && most === 1) return "?";
  if (most === undefined) return `{${least},}`;
  return least === most ? `{${least}}` : `{${least},${most}}`;
}

function rangeText([from, to]: CharRange): string {
  return from === to ? codeText(from) : `${codeText(from)}-${codeText(to)}`;
}

/** In a class all but letters and digits go by their number: no sign has a meaning of its own then. */
function codeText(code: number): string {
  return isAlphanumeric(code) ? String.fromCodePoint(code) : numbered(code);
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** `\x` takes any number of digits, so it is not used. */
function numbered(code: number): string {
  const hex = code.toString(16);
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

const isKeptInLiterals = /^[ !#-'*-Z^-z|~]$/;

/**
 * Brackets go by their number too, so that nobody counts them as brackets of the grammar. A lone surrogate has no bytes;
 * U+FFFD stands for it.
 */
function escaped(char: string): string {
  if (isKeptInLiterals.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  return numbered(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
}
