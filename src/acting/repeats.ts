/** Notices an agent that goes in circles: the same call with the same result, three times since anything was changed. */
import type { ToolCall } from "../common/tools";
import type { CallKind } from "../protocol/acting";
import { noteMark } from "../protocol/toolNames";
import type { CallOutcome } from "./ports";

/** Pages and views have the beginnings of long results only; these are compared. */
const comparedLength = 4000;

export class Repeats {
  private readonly counts = new Map<string, { readonly kind: CallKind; readonly count: number }>();

  /** How often it gave this result by now. */
  add(
    { name, arguments: args }: Pick<ToolCall, "name" | "arguments">,
    kind: CallKind,
    { text, failed }: CallOutcome,
  ): number {
    // A file that was changed makes the next look at it, or the next test run, a new one.
    if (kind === "write" && failed !== true) this.forgetLooks();
    const given = shortKey(JSON.stringify(sorted(args)));
    const key = JSON.stringify([name, given, failed === true, withoutTimes(said(text).slice(0, comparedLength))]);
    const count = (this.counts.get(key)?.count ?? 0) + 1;
    this.counts.set(key, { kind, count });
    return count;
  }

  clear(): void {
    this.counts.clear();
  }

  private forgetLooks(): void {
    for (const [key, { kind }] of this.counts) if (kind !== "write") this.counts.delete(key);
  }
}

/** Without what was told behind it. */
function said(text: string): string {
  const at = text.lastIndexOf(`\n\n${noteMark}`);
  return at < 0 ? text : text.slice(0, at);
}

/** A long text by its length and a hash (cyrb53, 53 bits): whole files are arguments. */
function shortKey(text: string): string {
  if (text.length <= comparedLength) return text;
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return `${text.length} ${4294967296 * (2097151 & low) + (high >>> 0)}`;
}

/** "Done in 1.24s" is the same as "Done in 1.31s". */
function withoutTimes(text: string): string {
  return text.replace(/\d+(?:[.,]\d+)?\s?(?:ms|s|sec|secs|seconds?|minutes?|min)\b/gi, "#");
}

/** Arguments in another order are the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
