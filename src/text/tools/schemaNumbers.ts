import type { Keywords } from "./schemaKeywords";
import { never, type Shape } from "./schemaShape";

/** Numbers that a grammar writes have at most 15 digits before the point, and 6 behind it where they have bounds. */
export const mostInteger = 999_999_999_999_999;

/** Above this a number with 6 digits behind the point may be rounded to the next whole one, which may be an open bound. */
const mostExact = 1_000_000_000;

/** A number's shape from its bounds. `say` is told of bounds that are not followed. */
export function numberShape(keywords: Keywords, isInteger: boolean, say: (what: string) => void): Shape {
  const low = boundOf(keywords["minimum"], keywords["exclusiveMinimum"], 1);
  const high = boundOf(keywords["maximum"], keywords["exclusiveMaximum"], -1);
  if (isInteger) return integers(low, high);
  const least = low === undefined ? undefined : wholeBound(low, 1, say);
  const most = high === undefined ? undefined : wholeBound(high, -1, say);
  if (least !== undefined && most !== undefined) {
    const isEmpty = least.at > most.at || (least.at === most.at && (least.isOpen || most.isOpen));
    if (isEmpty) return never;
  }
  return {
    kind: "number",
    isInteger,
    ...(least === undefined ? {} : { least: least.at, ...(least.isOpen ? { isAbove: true } : {}) }),
    ...(most === undefined ? {} : { most: most.at, ...(most.isOpen ? { isBelow: true } : {}) }),
  };
}

/** `isOpen`: the bound itself does not fit. */
interface Bound {
  readonly at: number;
  readonly isOpen: boolean;
}

/** `inwards`: 1 for a lower bound, -1 for an upper one. Where both kinds are given, the one that allows less. */
function boundOf(closed: unknown, open: unknown, inwards: 1 | -1): Bound | undefined {
  const at = typeof closed === "number" && Number.isFinite(closed) ? closed : undefined;
  if (typeof open !== "number" || !Number.isFinite(open)) {
    return at === undefined ? undefined : { at, isOpen: open === true };
  }
  return at === undefined || open * inwards >= at * inwards ? { at: open, isOpen: true } : { at, isOpen: false };
}

function integers(low: Bound | undefined, high: Bound | undefined): Shape {
  const least = low && (low.isOpen ? Math.floor(low.at) + 1 : Math.ceil(low.at));
  const most = high && (high.isOpen ? Math.ceil(high.at) - 1 : Math.floor(high.at));
  const isEmpty =
    (least !== undefined && most !== undefined && least > most) ||
    (least !== undefined && least > mostInteger) ||
    (most !== undefined && most < -mostInteger);
  if (isEmpty) return never;
  return {
    kind: "number",
    isInteger: true,
    ...(least === undefined || least <= -mostInteger ? {} : { least }),
    ...(most === undefined || most >= mostInteger ? {} : { most }),
  };
}

/** The nearest bound that a grammar can follow: a whole number. */
function wholeBound({ at, isOpen }: Bound, inwards: 1 | -1, say: (what: string) => void): Bound | undefined {
  if (Math.abs(at) > mostInteger) {
    if (at * inwards < 0) return { at: -inwards * mostInteger, isOpen: false };
    say("a bound of more than 15 digits");
    return undefined;
  }
  if (!Number.isInteger(at)) {
    say("a bound that is no whole number");
    return { at: inwards === 1 ? Math.floor(at) : Math.ceil(at), isOpen: false };
  }
  return isOpen && Math.abs(at) > mostExact ? { at: at + inwards, isOpen: false } : { at, isOpen };
}
