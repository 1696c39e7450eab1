import { chars, choice, type Expression, literal, nothing, optional, repeat, sequence } from "./ebnf";
import { mostInteger } from "./schemaNumbers";
import type { NumberShape } from "./schemaShape";

const digit = chars("09");
const mostDigits = String(mostInteger).length;
const anyNatural = choice(literal("0"), sequence(chars("19"), repeat(digit, 0, mostDigits - 1)));
const fraction = sequence(literal("."), repeat(digit, 1, 6));
const zeroFraction = sequence(literal("."), repeat(literal("0"), 1, 6));
/** Six digits at most, one of them above 0. */
const fractionAboveZero = sequence(literal("."), repeat(digit, 0, 5), chars("19"));
const exponent = sequence(chars("EEee"), optional(chars("++--")), repeat(digit, 1, 2));

/** A number as JSON and Python write it. */
export function numberText({ isInteger, least, most, isAbove, isBelow }: NumberShape): Expression {
  const isFree = least === undefined && most === undefined;
  if (isInteger) {
    if (isFree) return sequence(optional(literal("-")), anyNatural);
    return integersBetween(least ?? -mostInteger, most ?? mostInteger);
  }
  if (isFree) {
    const long = sequence(literal("."), repeat(digit, 1, mostDigits));
    return sequence(optional(literal("-")), anyNatural, optional(long), optional(exponent));
  }
  const low = { at: least ?? -mostInteger, isOpen: isAbove === true };
  const high = { at: most ?? mostInteger, isOpen: isBelow === true };
  const parts: Expression[] = [];
  if (low.at < 0) {
    const to = high.at < 0 ? high : { at: 0, isOpen: true };
    const below = decimalsBetween({ at: -to.at, isOpen: to.isOpen }, { at: -low.at, isOpen: low.isOpen });
    if (below !== undefined) parts.push(sequence(literal("-"), below));
  }
  if (high.at >= 0) {
    const above = decimalsBetween(low.at < 0 ? { at: 0, isOpen: false } : low, high);
    if (above !== undefined) parts.push(above);
  }
  return choice(...parts);
}

interface Bound {
  readonly at: number;
  readonly isOpen: boolean;
}

/** 0 ≤ low ≤ high. `undefined`: there is none. */
function decimalsBetween(low: Bound, high: Bound): Expression | undefined {
  if (low.at === high.at) {
    return low.isOpen || high.isOpen ? undefined : sequence(literal(String(low.at)), optional(zeroFraction));
  }
  const parts = [
    sequence(literal(String(low.at)), low.isOpen ? fractionAboveZero : optional(fraction)),
    ...(high.at - low.at > 1 ? [sequence(naturalsBetween(low.at + 1, high.at - 1), optional(fraction))] : []),
    ...(high.isOpen ? [] : [sequence(literal(String(high.at)), optional(zeroFraction))]),
  ];
  return choice(...parts);
}

/** low ≤ high; at most 15 digits. */
export function integersBetween(low: number, high: number): Expression {
  const parts: Expression[] = [];
  if (low < 0) parts.push(sequence(literal("-"), naturalsBetween(high < 0 ? -high : 1, -low)));
  if (high >= 0) parts.push(naturalsBetween(Math.max(low, 0), high));
  return choice(...parts);
}

function naturalsBetween(low: number, high: number): Expression {
  const parts: Expression[] = [];
  const most = String(high).length;
  for (let length = String(low).length; length <= most; length += 1) {
    const from = Math.max(low, length === 1 ? 0 : 10 ** (length - 1));
    parts.push(sameLength(String(from), String(Math.min(high, 10 ** length - 1))));
  }
  return choice(...parts);
}

/** Numerals of one length from `low` to `high`, digit by digit: those that begin as a bound does, and those between. */
function sameLength(low: string, high: string): Expression {
  const [lowest = ""] = low;
  const [highest = ""] = high;
  if (low === "") return nothing;
  const rest = low.length - 1;
  if (lowest === highest) return sequence(literal(lowest), sameLength(low.slice(1), high.slice(1)));
  const isLowFree = /^0*$/.test(low.slice(1));
  const isHighFree = /^9*$/.test(high.slice(1));
  const from = Number(lowest) + (isLowFree ? 0 : 1);
  const to = Number(highest) - (isHighFree ? 0 : 1);
  const parts: Expression[] = [];
  if (!isLowFree) parts.push(sequence(literal(lowest), sameLength(low.slice(1), "9".repeat(rest))));
  if (from <= to) parts.push(sequence(chars(`${from}${to}`), repeat(digit, rest, rest)));
  if (!isHighFree) parts.push(sequence(literal(highest), sameLength("0".repeat(rest), high.slice(1))));
  return choice(...parts);
}
