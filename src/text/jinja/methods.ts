import { repeated } from "./budget";
import { TemplateError } from "./errors";
import { formatText } from "./formatting";
import { equals, iterate, keyOf, reprOf, textOf, typeName } from "./operations";
import {
  capitalized,
  isSpace,
  lines,
  splitAt,
  splitAtRight,
  splitWords,
  strip,
  stripLeft,
  stripRight,
  titled,
} from "./pythonText";
import { type Arguments, Callable, Dict, Float, List, orElse, type Value } from "./values";

type Method<T> = (self: T, args: Arguments) => Value;

/** A method of a text, a list, a dict or a number. `undefined`: it has none of this name. */
export function methodOf(value: Value, name: string): Callable | undefined {
  if (typeof value === "string") return bind(textMethods, value, name);
  if (value instanceof Dict) return bind(dictMethods, value, name);
  if (value instanceof List) return bind(listMethods, value, name);
  return value instanceof Float ? bind(floatMethods, value, name) : undefined;
}

function bind<T>(methods: ReadonlyMap<string, Method<T>>, self: T, name: string): Callable | undefined {
  const method = methods.get(name);
  return method && new Callable(name, (args) => method(self, args));
}

const texts = (items: readonly string[]) => new List(items);
const all = (text: string, test: (character: string) => boolean) => text !== "" && Array.from(text).every(test);
const hasCase = (text: string) => text.toLowerCase() !== text.toUpperCase();

const textMethods: ReadonlyMap<string, Method<string>> = new Map<string, Method<string>>([
  ["upper", (text) => text.toUpperCase()],
  ["lower", (text) => text.toLowerCase()],
  ["casefold", (text) => text.toLowerCase().replaceAll("ß", "ss")],
  ["swapcase", (text) => text.replace(/\p{L}/gu, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase()))],
  ["title", (text) => titled(text)],
  ["capitalize", (text) => capitalized(text)],
  ["strip", (text, args) => strip(text, charactersOf(args))],
  ["lstrip", (text, args) => stripLeft(text, charactersOf(args))],
  ["rstrip", (text, args) => stripRight(text, charactersOf(args))],
  ["startswith", (text, args) => affixes(args).some((prefix) => text.startsWith(prefix))],
  ["endswith", (text, args) => affixes(args).some((suffix) => text.endsWith(suffix))],
  ["removeprefix", (text, args) => withoutPrefix(text, textArgument(args, 0, "prefix"))],
  ["removesuffix", (text, args) => withoutSuffix(text, textArgument(args, 0, "suffix"))],
  ["split", (text, args) => texts(split(text, args, splitAt, splitWords))],
  ["rsplit", (text, args) => texts(split(text, args, splitAtRight, rightWords))],
  ["splitlines", (text, args) => texts(lines(text, args.get(0, "keepends") === true))],
  ["partition", (text, args) => partition(text, text.indexOf(textArgument(args, 0, "sep")), args, false)],
  ["rpartition", (text, args) => partition(text, text.lastIndexOf(textArgument(args, 0, "sep")), args, true)],
  [
    "replace",
    (text, args) => replaced(text, textArgument(args, 0, "old"), textArgument(args, 1, "new"), args.get(2, "count")),
  ],
  ["join", (text, args) => iterate(args.required(0, "iterable")).map(requireText).join(text)],
  ["format", (text, args) => formatText(text, args)],
  ["find", (text, args) => points(text, text.indexOf(textArgument(args, 0, "sub")))],
  ["rfind", (text, args) => points(text, text.lastIndexOf(textArgument(args, 0, "sub")))],
  ["index", (text, args) => found(points(text, text.indexOf(textArgument(args, 0, "sub"))))],
  ["rindex", (text, args) => found(points(text, text.lastIndexOf(textArgument(args, 0, "sub"))))],
  ["count", (text, args) => occurrences(text, textArgument(args, 0, "sub"))],
  ["isdigit", (text) => all(text, (c) => /\p{Nd}/u.test(c))],
  ["isdecimal", (text) => all(text, (c) => /\p{Nd}/u.test(c))],
  ["isnumeric", (text) => all(text, (c) => /\p{N}/u.test(c))],
  ["isalpha", (text) => all(text, (c) => /\p{L}/u.test(c))],
  ["isalnum", (text) => all(text, (c) => /[\p{L}\p{N}]/u.test(c))],
  ["isspace", (text) => all(text, isSpace)],
  ["isupper", (text) => hasCase(text) && text === text.toUpperCase()],
  ["islower", (text) => hasCase(text) && text === text.toLowerCase()],
  ["istitle", (text) => hasCase(text) && text === titled(text)],
  ["zfill", (text, args) => zeroFilled(text, widthOf(args))],
  ["ljust", (text, args) => text + fill(text, args)],
  ["rjust", (text, args) => fill(text, args) + text],
  ["center", (text, args) => centred(text, widthOf(args), textOf(args.get(1, "fillchar") ?? " "))],
]);

const dictMethods: ReadonlyMap<string, Method<Dict>> = new Map<string, Method<Dict>>([
  [
    "get",
    ({ entries }, args) => orElse(entries.get(keyOf(args.required(0, "key"))), orElse(args.get(1, "default"), null)),
  ],
  ["keys", ({ entries }) => new List([...entries.keys()])],
  ["values", ({ entries }) => new List([...entries.values()])],
  ["items", ({ entries }) => new List([...entries].map((entry) => new List(entry, true)))],
  ["copy", ({ entries }) => new Dict(new Map(entries))],
]);

const listMethods: ReadonlyMap<string, Method<List>> = new Map<string, Method<List>>([
  ["count", ({ items }, args) => items.filter((item) => equals(item, args.required(0, "value"))).length],
  ["index", ({ items }, args) => found(items.findIndex((item) => equals(item, args.required(0, "value"))))],
  ["copy", ({ items, isTuple }) => new List(items, isTuple)],
]);

const floatMethods: ReadonlyMap<string, Method<Float>> = new Map<string, Method<Float>>([
  ["is_integer", ({ value }) => Number.isInteger(value)],
]);

function charactersOf(args: Arguments): string | undefined {
  const characters = args.get(0, "chars") ?? null;
  return characters === null ? undefined : requireText(characters);
}

function requireText(value: Value): string {
  if (typeof value === "string") return value;
  throw new TemplateError(`expected str instance, ${typeName(value)} found: ${reprOf(value)}`);
}

function textArgument(args: Arguments, index: number, name: string): string {
  return requireText(args.required(index, name));
}

function affixes(args: Arguments): readonly string[] {
  const given = args.required(0, "prefix");
  return given instanceof List ? given.items.map(requireText) : [requireText(given)];
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function withoutSuffix(text: string, suffix: string): string {
  return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

function split(
  text: string,
  args: Arguments,
  atSeparator: (text: string, separator: string, limit: number) => string[],
  atSpace: (text: string, limit: number) => string[],
): readonly string[] {
  const separator = args.get(0, "sep") ?? null;
  const most = args.get(1, "maxsplit") ?? -1;
  if (typeof most !== "number") throw new TemplateError("maxsplit must be an integer");
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  if (separator === null) return atSpace(text, limit);
  if (separator === "") throw new TemplateError("empty separator");
  return atSeparator(text, requireText(separator), limit);
}

function rightWords(text: string, limit: number): string[] {
  const found = splitWords(text);
  if (found.length <= limit) return found;
  const last = limit === 0 ? [] : found.slice(-limit);
  let rest = stripRight(text);
  for (const word of [...last].reverse()) rest = stripRight(rest.slice(0, rest.length - word.length));
  return [rest, ...last];
}

function partition(text: string, at: number, args: Arguments, isRight: boolean): List {
  const separator = textArgument(args, 0, "sep");
  if (at < 0) return new List(isRight ? ["", "", text] : [text, "", ""], true);
  return new List([text.slice(0, at), separator, text.slice(at + separator.length)], true);
}

/** `count`: None or a negative number means all of them. */
export function replaced(text: string, from: string, to: string, count: Value | undefined): string {
  const limit = typeof count === "number" && count >= 0 ? count : Number.POSITIVE_INFINITY;
  let left = limit;
  // Four times as fast as `replaceAll` where there is much to replace.
  if (from !== "" && limit >= text.length) return text.split(from).join(to);
  if (from !== "") return text.replaceAll(from, (whole) => (left-- > 0 ? to : whole));
  const gaps = Array.from(text).map((character) => (left-- > 0 ? to : "") + character);
  return gaps.join("") + (left > 0 ? to : "");
}

/** Python counts in code points. */
function points(text: string, unit: number): number {
  return unit < 0 ? -1 : Array.from(text.slice(0, unit)).length;
}

function found(index: number): number {
  if (index < 0) throw new TemplateError("substring not found");
  return index;
}

function occurrences(text: string, part: string): number {
  return part === "" ? Array.from(text).length + 1 : text.split(part).length - 1;
}

function widthOf(args: Arguments): number {
  const width = args.required(0, "width");
  if (typeof width !== "number") throw new TemplateError("the width must be an integer");
  return width;
}

function fill(text: string, args: Arguments): string {
  const missing = Math.max(0, widthOf(args) - Array.from(text).length);
  return repeated(textOf(args.get(1, "fillchar") ?? " "), missing);
}

function zeroFilled(text: string, width: number): string {
  const [, sign = "", digits = text] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  return sign + repeated("0", Math.max(0, width - Array.from(text).length)) + digits;
}

/** As Python's `str.center`: of an odd rest, the left side gets more if the width is odd. */
export function centred(text: string, width: number, fillCharacter: string): string {
  const missing = Math.max(0, width - Array.from(text).length);
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return repeated(fillCharacter, left) + text + repeated(fillCharacter, missing - left);
}
