import { TemplateError } from "./errors";
import { compareText, floatText } from "./pythonText";
import { Dict, Float, type Key, List, type Value } from "./values";

export interface JsonStyle {
  /** Spaces for each level; absent: all in one line. */
  readonly indent: string | undefined;
  readonly item: string;
  readonly key: string;
  readonly isAscii: boolean;
  readonly isSorted: boolean;
}

/** Values do not change, and the tools of a conversation are written into each of its prompts. */
const remembered = new WeakMap<List | Dict, Map<string, string>>();
const worthRemembering = 32;

/** Python's `json.dumps`; remembers the texts of large values. */
export function jsonOf(value: Value, style: JsonStyle): string {
  if (!(value instanceof List || value instanceof Dict) || value.size < worthRemembering) return jsonText(value, style);
  const texts = remembered.get(value) ?? new Map<string, string>();
  remembered.set(value, texts);
  const key = JSON.stringify(style);
  const text = texts.get(key) ?? jsonText(value, style);
  texts.set(key, text);
  return text;
}

/** Python's `json.dumps`. */
export function jsonText(value: Value, style: JsonStyle, depth = 0): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return jsonString(value, style);
  if (value instanceof Float) return jsonFloat(value.value);
  if (value instanceof List) {
    return enclosed(
      "[",
      value.items.map((item) => jsonText(item, style, depth + 1)),
      "]",
      style,
      depth,
    );
  }
  if (value instanceof Dict) {
    const entries = [...value.entries].map(([key, item]) => [keyText(key), item] as const);
    if (style.isSorted) entries.sort(([a], [b]) => compareText(a, b));
    const members = entries.map(([key, item]) => jsonString(key, style) + style.key + jsonText(item, style, depth + 1));
    return enclosed("{", members, "}", style, depth);
  }
  throw new TemplateError("a value cannot be written as JSON");
}

function enclosed(open: string, parts: readonly string[], close: string, style: JsonStyle, depth: number): string {
  if (parts.length === 0) return open + close;
  if (style.indent === undefined) return open + parts.join(style.item) + close;
  const line = (level: number) => `\n${(style.indent ?? "").repeat(level)}`;
  return open + line(depth + 1) + parts.join(style.item + line(depth + 1)) + line(depth) + close;
}

function keyText(key: Key): string {
  return key === null ? "null" : String(key);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  return floatText(value);
}

function jsonString(text: string, { isAscii }: JsonStyle): string {
  // JavaScript writes a lone surrogate as an escape, Python as it is.
  const body = JSON.stringify(text).replace(/\\u(d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/g, (written, code: string) =>
    isAscii ? written : String.fromCharCode(Number.parseInt(code, 16)),
  );
  if (!isAscii) return body;
  // U+FDD0 stays: it says that what follows is no control token (markedText.ts).
  return body.replace(/[\x7f-\ufdcf\ufdd1-\uffff]/g, (unit) =>
    unit === "\x7f" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
