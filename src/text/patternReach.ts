/**
 * How far a pattern can look beyond a place. White space, letters and digits are kinds of characters, whatever else is
 * between them; a change is where one kind follows another. An atom of a pattern (a class, a character) that repeats
 * does not go across a change unless it takes both kinds, and any other goes across one at most. So a pattern of n
 * atoms looks across n changes at most, wherever it begins.
 */
export interface Reach {
  readonly changes: number;
  /** Letters and digits are one kind: the pattern has an atom that takes both. */
  readonly oneWordKind: boolean;
}

/** `undefined`: the reach is unknown, or the pattern looks behind or at the beginning of the text. */
export function patternReach(pattern: RegExp): Reach | undefined {
  const { source } = pattern;
  if (/\(\?<|\(\?[a-z-]+[:)]|\\[bBk1-9]/.test(source)) return undefined;
  let changes = 0;
  let oneWordKind = false;
  for (let at = 0; at < source.length; ) {
    const token = matchAt(tokenPattern, source, at);
    if (token === "" || token === "^") return undefined;
    at += token.length;
    const repeats = matchAt(quantifierPattern, source, at);
    at += repeats.length;
    const isEndless = /^[*+]|,\}/.test(repeats);
    if (token === ")" && isEndless) return undefined;
    if (token.startsWith("(") || token === "|" || token === "$" || token === ")") continue;
    changes += mostOf(repeats);
    if (!isEndless) continue;
    const [white, letters, digits] = kindsTaken(token, pattern.flags);
    if (white && (letters || digits)) return undefined;
    oneWordKind ||= letters && digits;
  }
  return { changes, oneWordKind };
}

/** The reach of two patterns, the second of which cuts the pieces of the first. */
export function sumOfReaches(a: Reach | undefined, b: Reach | undefined): Reach | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { changes: a.changes + b.changes, oneWordKind: a.oneWordKind || b.oneWordKind };
}

/** A group's beginning, a class, an escape, or one character. */
const tokenPattern =
  /\((?:\?[:=!])?|\[(?:\\.|[^\]\\])*\]|\\[pPu]\{[^}]*\}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|./suy;
const quantifierPattern = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/uy;

function matchAt(sticky: RegExp, source: string, at: number): string {
  sticky.lastIndex = at;
  return sticky.exec(source)?.[0] ?? "";
}

/** A repetition with an end counts as often as it can be. */
function mostOf(repeats: string): number {
  const [, least = "1", most = least] = /^\{(\d+)(?:,(\d*))?\}/.exec(repeats) ?? [];
  return Math.max(1, Number(most));
}

const units = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
/** All characters of 16 bits that are white space, letters, digits. */
const kinds = [/\p{White_Space}/u, /\p{L}/u, /\p{N}/u].map((kind) => units.filter((unit) => kind.test(unit)).join(""));

/** Which kinds an atom takes characters of: white space, letters, digits. */
function kindsTaken(atom: string, flags: string): readonly [boolean, boolean, boolean] {
  const one = new RegExp(atom, flags.replace("g", ""));
  const [white = false, letters = false, digits = false] = kinds.map((characters) => one.test(characters));
  return [white, letters, digits];
}

/** 1: white space, 2: letter, 3: digit, 0: none of them. */
const kindOf: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  for (const [kind, characters] of kinds.entries()) for (const unit of characters) table[unit.charCodeAt(0)] = kind + 1;
  return table;
})();

/**
 * The last place from which a pattern of this reach cannot see the text from `end` on. Earlier places cannot either.
 */
export function endOfUnreached(text: string, end: number, { changes, oneWordKind }: Reach): number {
  // What looks across no change looks at the two characters around a place.
  if (changes === 0) return Math.max(0, end - 2);
  let left = changes + 1;
  let last = 0;
  for (let at = end - 1; at >= 0; at -= 1) {
    const kind = kindOf[text.charCodeAt(at)] ?? 0;
    if (kind === 0) continue;
    const now = oneWordKind ? Math.min(kind, 2) : kind;
    if (last !== 0 && now !== last && left-- === 0) return at;
    last = now;
  }
  return 0;
}
