/** Three-way merge by lines: what two sides made of the same text. Bounded work. */
import { diff3Merge } from "node-diff3";
import { textLines } from "./textLines";

export interface Merged {
  /** With `mine` where the two contradict each other. */
  readonly text: string;
  readonly conflicts: readonly MergeConflict[];
}

export interface MergeConflict {
  /** In `Merged.text`, from 1. */
  readonly line: number;
  readonly mine: string;
  readonly theirs: string;
}

/** Beyond this many comparisons of lines the texts are one conflict: the search for what is common takes quadratic time. */
const mostComparisons = 100_000_000;

export function merge3(mine: string, base: string, theirs: string): Merged {
  const [a, o, b] = [lines(mine), lines(base), lines(theirs)];
  const shortest = Math.min(a.length, o.length, b.length);
  const isSame = (x: number, y: number, z: number) => a[x] === o[y] && o[y] === b[z];
  let head = 0;
  while (head < shortest && isSame(head, head, head)) head += 1;
  let tail = 0;
  while (tail < shortest - head && isSame(a.length - 1 - tail, o.length - 1 - tail, b.length - 1 - tail)) tail += 1;
  const inner = (all: readonly string[]) => all.slice(head, all.length - tail);
  const [mineInner, baseInner, theirsInner] = [inner(a), inner(o), inner(b)];
  const merged = a.slice(0, head);
  const conflicts: MergeConflict[] = [];
  const conflict = (own: readonly string[], other: readonly string[]) => {
    conflicts.push({ line: merged.length + 1, mine: own.join(""), theirs: other.join("") });
    for (const line of own) merged.push(line);
  };
  if (baseInner.length * Math.max(mineInner.length, theirsInner.length) > mostComparisons)
    conflict(mineInner, theirsInner);
  else {
    for (const region of diff3Merge(mineInner, baseInner, theirsInner)) {
      if (region.conflict === undefined) for (const line of region.ok ?? []) merged.push(line);
      else conflict(region.conflict.a, region.conflict.b);
    }
  }
  for (const line of a.slice(a.length - tail)) merged.push(line);
  return { text: merged.join(""), conflicts };
}

/** With their ends: a line end that one side changed is a change of its line. */
function lines(text: string): string[] {
  return textLines(text).map((line) => line.text + line.end);
}
