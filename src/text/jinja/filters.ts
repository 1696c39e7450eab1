import { repeated } from "./budget";
import { TemplateError } from "./errors";
import type { Filter } from "./filterTypes";
import { formatPercent } from "./formatting";
import { type JsonStyle, jsonOf } from "./json";
import { listFilters } from "./listFilters";
import { centred, replaced } from "./methods";
import { isTrue, iterate, lengthOf, numberOf, textOf, typeName } from "./operations";
import { capitalized, lines, splitWords, strip } from "./pythonText";
import { type Arguments, Dict, Float, List, orElse, Undefined, type Value } from "./values";

const preset: Filter = (value, args) => {
  const isMissing = value instanceof Undefined || (isTrue(args.get(1, "boolean") ?? false) && !isTrue(value));
  return isMissing ? orElse(args.get(0, "default_value"), "") : value;
};
const escaped: Filter = (value) => textOf(value).replace(/[&<>'"]/g, (character) => entities[character] ?? character);
const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** Jinja's filters and transformers' `tojson`. */
export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...listFilters,
  ["default", preset],
  ["d", preset],
  ["safe", (value) => value],
  ["e", escaped],
  ["escape", escaped],
  ["string", textOf],
  ["upper", (value) => textOf(value).toUpperCase()],
  ["lower", (value) => textOf(value).toLowerCase()],
  ["capitalize", (value) => capitalized(textOf(value))],
  ["title", (value) => textOf(value).replace(/[^-\s({[<]+/g, capitalized)],
  ["trim", (value, args) => strip(textOf(value), charactersOf(args))],
  ["center", (value, args) => centred(textOf(value), integer(args.get(0, "width") ?? 80), " ")],
  ["indent", (value, args) => indented(textOf(value), args)],
  ["replace", (value, args) => replaceAll(value, args)],
  ["truncate", (value, args) => truncated(textOf(value), args)],
  ["wordcount", (value) => (textOf(value).match(/[\p{L}\p{N}_]+/gu) ?? []).length],
  ["format", (value, args) => formatPercent(textOf(value), percentValues(args))],
  ["striptags", (value) => splitWords(textOf(value).replace(/<!--[\s\S]*?-->|<[^>]*>/g, "")).join(" ")],
  ["tojson", (value, args) => jsonOf(value, jsonStyle(args))],
  ["abs", (value) => absolute(value)],
  ["int", (value, args) => asInteger(value, args)],
  ["float", (value, args) => asFloat(value, args)],
  ["round", (value, args) => rounded(value, args)],
  ["length", (value) => lengthOf(value)],
  ["count", (value) => lengthOf(value)],
]);

function charactersOf(args: Arguments): string | undefined {
  const characters = args.get(0, "chars") ?? null;
  return characters === null ? undefined : textOf(characters);
}

function percentValues({ positional, named }: Arguments): Value {
  return named.size > 0 ? new Dict(named) : new List(positional, true);
}

function replaceAll(value: Value, args: Arguments): string {
  const [from, to] = [args.required(0, "old"), args.required(1, "new")];
  return replaced(textOf(value), textOf(from), textOf(to), args.get(2, "count"));
}

function indented(text: string, args: Arguments): string {
  const width = args.get(0, "width") ?? 4;
  const indent = typeof width === "string" ? width : repeated(" ", integer(width));
  const isBlankToo = isTrue(args.get(2, "blank") ?? false);
  const all = lines(`${text}\n`);
  const changed = all.map((line, index) => (index === 0 || (line === "" && !isBlankToo) ? line : indent + line));
  return (isTrue(args.get(1, "first") ?? false) ? indent : "") + changed.join("\n");
}

function truncated(text: string, args: Arguments): string {
  const length = integer(args.get(0, "length") ?? 255);
  const end = textOf(args.get(2, "end") ?? "...");
  const leeway = args.get(3, "leeway") ?? null;
  const characters = Array.from(text);
  if (characters.length <= length + (leeway === null ? 5 : integer(leeway))) return text;
  const kept = characters.slice(0, Math.max(0, length - Array.from(end).length)).join("");
  if (isTrue(args.get(1, "killwords") ?? false)) return kept + end;
  const space = kept.lastIndexOf(" ");
  return (space < 0 ? kept : kept.slice(0, space)) + end;
}

function jsonStyle(args: Arguments): JsonStyle {
  const given = args.get(1, "indent") ?? null;
  const indent = given === null ? undefined : typeof given === "string" ? given : repeated(" ", integer(given));
  const separators = args.get(2, "separators") ?? null;
  const [item, key] = separators === null ? [] : iterate(separators).map(textOf);
  return {
    indent,
    item: item ?? (indent === undefined ? ", " : ","),
    key: key ?? ": ",
    isAscii: isTrue(args.get(0, "ensure_ascii") ?? false),
    isSorted: isTrue(args.get(3, "sort_keys") ?? false),
  };
}

function integer(value: Value): number {
  const number = value instanceof Float ? undefined : numberOf(value);
  if (number === undefined) throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  return number;
}

function absolute(value: Value): Value {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
  return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
}

function asInteger(value: Value, args: Arguments): Value {
  const base = integer(args.get(1, "base") ?? 10);
  const number = typeof value === "string" ? parsedInteger(strip(value), base) : numberOf(value);
  return number === undefined || !Number.isFinite(number) ? orElse(args.get(0, "default"), 0) : Math.trunc(number);
}

function parsedInteger(text: string, base: number): number | undefined {
  const digits = text.replace(/^([-+]?)0[xob]/i, base === 10 ? "$&" : "$1").replace(/(?<=\w)_(?=\w)/g, "");
  const allowed = new RegExp(`^[-+]?[${"0123456789abcdefghijklmnopqrstuvwxyz".slice(0, base)}]+$`, "i");
  return allowed.test(digits) ? Number.parseInt(digits, base) : parsedFloat(text);
}

function parsedFloat(text: string): number | undefined {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function asFloat(value: Value, args: Arguments): Value {
  const number = typeof value === "string" ? parsedFloat(strip(value)) : numberOf(value);
  return number === undefined ? orElse(args.get(0, "default"), new Float(0)) : new Float(number);
}

function rounded(value: Value, args: Arguments): Value {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`type ${typeName(value)} doesn't define round`);
  const scale = 10 ** integer(args.get(0, "precision") ?? 0);
  const method = args.get(1, "method") ?? "common";
  if (method === "ceil") return new Float(Math.ceil(number * scale) / scale);
  if (method === "floor") return new Float(Math.floor(number * scale) / scale);
  const result = halfToEven(number * scale) / scale;
  // Python's round() of an int is an int.
  return value instanceof Float ? new Float(result) : result;
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
