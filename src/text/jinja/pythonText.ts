/** Python's text functions where JavaScript's differ: other white space, and code points instead of UTF-16 units. */

const whiteSpace = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const leading = new RegExp(`^[${whiteSpace}]+`, "u");
/** Anchored by a function: a pattern that ends in `$` takes quadratic time in a long run of spaces. */
const space = new RegExp(`[${whiteSpace}]`, "u");
const words = new RegExp(`[^${whiteSpace}]+`, "gu");
const lineEnds = "\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029";
const lineEnd = new RegExp(`\\r\\n|[${lineEnds}]`, "u");

export function isSpace(character: string): boolean {
  return space.test(character);
}

/** `characters`: those to remove; absent: white space. */
export function stripLeft(text: string, characters?: string): string {
  if (characters === undefined) return text.replace(leading, "");
  const set = new Set(characters);
  let from = 0;
  for (const character of text) {
    if (!set.has(character)) break;
    from += character.length;
  }
  return text.slice(from);
}

export function stripRight(text: string, characters?: string): string {
  const set = characters === undefined ? undefined : new Set(characters);
  let to = text.length;
  while (to > 0) {
    const unit = text.charAt(to - 1);
    const isPair = /[\udc00-\udfff]/.test(unit) && /[\ud800-\udbff]/.test(text.charAt(to - 2));
    const character = isPair ? text.slice(to - 2, to) : unit;
    if (set === undefined ? !isSpace(character) : !set.has(character)) break;
    to -= character.length;
  }
  return text.slice(0, to);
}

export function strip(text: string, characters?: string): string {
  return stripLeft(stripRight(text, characters), characters);
}

/** The words between white space; after `limit` of them the rest as one. */
export function splitWords(text: string, limit = Number.POSITIVE_INFINITY): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(words)) {
    if (found.length >= limit) {
      found.push(limit === 0 ? stripLeft(text) : text.slice(match.index));
      break;
    }
    found.push(match[0]);
  }
  return found;
}

/** The parts between `separator`, at most `limit` cuts from the left. */
export function splitAt(text: string, separator: string, limit: number): string[] {
  const parts = text.split(separator);
  return parts.length <= limit + 1 ? parts : [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

/** As `splitAt`, with the cuts from the right. */
export function splitAtRight(text: string, separator: string, limit: number): string[] {
  const parts = text.split(separator);
  const joined = parts.length - limit;
  return joined <= 1 ? parts : [parts.slice(0, joined).join(separator), ...parts.slice(joined)];
}

export function lines(text: string, keepsEnds = false): string[] {
  const found: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const end = lineEnd.exec(rest);
    const [to, next] = end === null ? [rest.length, rest.length] : [end.index, end.index + end[0].length];
    found.push(rest.slice(0, keepsEnds ? next : to));
    rest = rest.slice(next);
  }
  return found;
}

/** `str.capitalize` and the filter of this name. */
export function capitalized(text: string): string {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** `str.title`: every run of letters begins with a capital. */
export function titled(text: string): string {
  return text.replace(/\p{L}+/gu, capitalized);
}

/** By code point, as Python compares. */
export function compareText(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (const [index, character] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (character !== other) return (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
  }
  return a.length - b.length;
}

/** `repr` of a text. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\\p{Cc}\xa0\xad\u2028\u2029'"]/gu, (character) => {
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character;
    const named = namedEscapes[character];
    if (named !== undefined) return named;
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return quote + body + quote;
}

const namedEscapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `repr` of a float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = mantissa.replace(/[-.]/g, "");
  const decimals = Math.max(0, digits.length - 1 - exponent);
  return Number.isInteger(value) ? `${BigInt(value)}.0` : value.toFixed(Math.min(decimals, 100));
}
