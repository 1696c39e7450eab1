import {
  chars,
  choice,
  type Expression,
  type Grammar,
  literal,
  noneOf,
  notChars,
  nothing,
  optional,
  repeat,
  rule,
  sequence,
} from "./ebnf";
import type { JsonValue, StringShape } from "./schemaShape";
import { textOtherThan, textUntil } from "./textGrammar";

/** How a language writes values. */
export interface ValueDialect {
  /** White space that may stand behind an opening bracket, a comma, a colon, and before a closing bracket. */
  gap(grammar: Grammar): Expression;
  string(grammar: Grammar, shape: StringShape): Expression;
  readonly null: string;
  readonly true: string;
  readonly false: string;
  /** Behind a comma or a colon of a value that is known. */
  readonly space: string;
  /** All ways to write a string that is known. Empty: it cannot be written. */
  stringTexts(text: string): readonly string[];
  /** A key with what stands between it and its value, but for the gap. `undefined`: it cannot be written. */
  keyText(name: string): string | undefined;
  /** A key that is none of these. */
  otherKey(grammar: Grammar, names: readonly string[]): Expression;
}

/** A rule that all values of a grammar share. */
function shared(grammar: Grammar, name: string, body: () => Expression): Expression {
  if (!grammar.has(name)) grammar.set(name, body());
  return rule(name);
}

/** One space, or a line end and an indentation. */
function lineGap(grammar: Grammar): Expression {
  const indentation = repeat(chars("  \t\t"), 0, 24);
  return shared(grammar, "gap", () => optional(choice(literal(" "), sequence(literal("\n"), indentation))));
}

const hex = chars("09afAF");
/** No half of a pair: what is written is whole characters. */
const unicodeEscape = sequence(
  literal("u"),
  choice(sequence(chars("09acAC"), hex), sequence(chars("efEF"), hex), sequence(chars("ddDD"), chars("07"))),
  repeat(hex, 2, 2),
);

/** A string in quotes, in which a backslash escapes. `out`: as pairs, what does not stand in it; the quote comes first. */
function quoted(
  grammar: Grammar,
  name: string,
  out: string,
  escapes: Expression,
  { least, most }: StringShape,
): Expression {
  const plain = notChars(`${out}\\\\\u0000\u001f`);
  const escaped = sequence(literal("\\"), escapes);
  const mark = literal(out.slice(0, 1));
  if (least === 0 && most === undefined) {
    const run = repeat(plain, 0);
    const escaping = shared(grammar, `${name}-escape`, () => escaped);
    return shared(grammar, name, () => sequence(mark, run, repeat(sequence(escaping, run), 0), mark));
  }
  const counted = () => sequence(mark, repeat(choice(plain, escaped), least, most), mark);
  return shared(grammar, `${name}-${least}-${most ?? ""}`, counted);
}

const jsonEscapes = choice(chars('""\\\\//bbffnnrrtt'), unicodeEscape);

/** `not`: characters that do not stand in strings, except by their number. */
export function jsonDialect(not = ""): ValueDialect {
  const out = Array.from(not, (char) => char + char).join("");
  return {
    gap: lineGap,
    string: (grammar, shape) => quoted(grammar, "string", `""${out}`, jsonEscapes, shape),
    null: "null",
    true: "true",
    false: "false",
    space: " ",
    stringTexts: (text) => [inJson(text)],
    keyText: (name) => `${inJson(name)}:`,
    otherKey: (grammar, names) => {
      const letter = (but: Iterable<string>) =>
        notChars(`""\\\\\u0000\u001f${out}${Array.from(but, (char) => char + char).join("")}`);
      return sequence(
        literal('"'),
        textOtherThan(grammar, names.filter(isShort).filter(isPlainText), letter),
        literal('":'),
      );
    },
  };

  function inJson(text: string): string {
    let json = JSON.stringify(text);
    for (const char of not)
      json = json.replaceAll(char, `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
    return json;
  }
}

/** Longer names are not told from others letter by letter. */
function isShort(name: string): boolean {
  return name.length <= 64;
}

/** Written in JSON as it is. */
function isPlainText(text: string): boolean {
  return JSON.stringify(text) === `"${text}"`;
}

/** Python's literals: `True`, `None`, and strings in quotes of either kind, without raw line ends. */
const pythonEscapes = choice(chars("\"\"''\\\\bbffnnrrtt"), unicodeEscape);

export const pythonDialect: ValueDialect = {
  ...jsonDialect(),
  string: (grammar, shape) =>
    choice(quoted(grammar, "string", '""', pythonEscapes, shape), quoted(grammar, "text", "''", pythonEscapes, shape)),
  stringTexts: (text) => {
    const json = JSON.stringify(text);
    const inner = json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
    return [json, `'${inner}'`];
  },
  null: "None",
  true: "True",
  false: "False",
};

/** Keys are bare words. Strings stand between marks and have no escapes; there is no white space. */
export function gemmaDialect(quote: string, behindKey: string): ValueDialect {
  const [first = ""] = quote;
  return {
    gap: () => nothing,
    string: (grammar, { least, most }) => {
      // An empty one may come where one character is the least: a text may begin as the quote does.
      const isFree = least <= 1 && most === undefined;
      const text = isFree ? shared(grammar, "text", () => textUntil(quote)) : repeat(noneOf([first]), least, most);
      return sequence(literal(quote), text, literal(quote));
    },
    null: "null",
    true: "true",
    false: "false",
    space: "",
    stringTexts: (text) => (text.includes(quote) ? [] : [quote + text + quote]),
    keyText: (name) => (isBareKey(name) ? name + behindKey : undefined),
    otherKey: (grammar, names) => sequence(otherWord(grammar, names), literal(behindKey)),
  };
}

/** A name that is read as one without quotes: letters and digits of any language. */
function isBareKey(name: string): boolean {
  return /^[\p{L}\p{N}_.$-]{1,64}$/u.test(name);
}

const wordLetters = "_.-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A word of these letters that is none of the names. */
export function otherWord(grammar: Grammar, names: readonly string[], letters = wordLetters): Expression {
  const letter = (not: Iterable<string>) => {
    const out = new Set(not);
    return chars(Array.from(letters, (char) => (out.has(char) ? "" : char + char)).join(""));
  };
  return textOtherThan(grammar, ["", ...names.filter((name) => /^[\w.-]{1,64}$/.test(name))], letter);
}

/** A value that is known, in all ways that differ in its outermost quotes. Empty: it cannot be written. */
export function constantTexts(dialect: ValueDialect, value: JsonValue): readonly string[] {
  if (typeof value === "string") return dialect.stringTexts(value);
  const text = constantText(dialect, value);
  return text === undefined ? [] : [text];
}

function constantText(dialect: ValueDialect, value: JsonValue): string | undefined {
  if (value === null) return dialect.null;
  if (typeof value === "boolean") return value ? dialect.true : dialect.false;
  if (typeof value === "number") return JSON.stringify(value);
  if (typeof value === "string") return dialect.stringTexts(value)[0];
  const joined = (open: string, parts: readonly (string | undefined)[], close: string) =>
    parts.includes(undefined) ? undefined : `${open}${parts.join(`,${dialect.space}`)}${close}`;
  if (isItems(value))
    return joined(
      "[",
      value.map((item) => constantText(dialect, item)),
      "]",
    );
  const members = Object.entries(value).map(([name, item]) => {
    const key = dialect.keyText(name);
    const text = constantText(dialect, item);
    return key === undefined || text === undefined ? undefined : `${key}${dialect.space}${text}`;
  });
  return joined("{", members, "}");
}

function isItems(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
