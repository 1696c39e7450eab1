/** The difference of two texts as lines to show: changed lines with a little of what stands around them. Bounded work. */
import { diffArrays } from "diff";
import type { DiffLine } from "./acting";

export interface LineDiff {
  readonly lines: readonly DiffLine[];
  readonly added: number;
  readonly removed: number;
}

/** Lines that stay the same and are shown before and behind a change. */
const around = 3;
/** More lines than this are not shown; a "gap" says how many there are. */
const mostShown = 400;
/** Beyond this number of changed lines the texts are told as one removed and one added: the search takes time by its square. */
const mostEdits = 1000;
const longestLine = 500;

/** Lines without their ends; a final line end begins no further line. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** `before`: absent for a file that is not there yet; `after`: absent for one that goes. */
export function lineDiff(before: string | undefined, after: string | undefined): LineDiff {
  const changes = changesOf(linesOf(before ?? ""), linesOf(after ?? ""));
  let added = 0;
  let removed = 0;
  for (const { kind, lines } of changes) {
    if (kind === "added") added += lines.length;
    if (kind === "removed") removed += lines.length;
  }
  return { lines: shown(changes), added, removed };
}

/** "+3 −1" */
export function changedLines({ added, removed }: Pick<LineDiff, "added" | "removed">): string {
  return `+${added} −${removed}`;
}

interface Stretch {
  readonly kind: "same" | "added" | "removed";
  readonly lines: readonly string[];
}

function changesOf(before: readonly string[], after: readonly string[]): readonly Stretch[] {
  // What both begin and end with is compared in linear time; the rest is mostly short.
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const room = Math.min(before.length, after.length) - head;
  while (tail < room && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const inner = innerChanges(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [
    { kind: "same" as const, lines: before.slice(0, head) },
    ...inner,
    { kind: "same" as const, lines: before.slice(before.length - tail) },
  ].filter(({ lines }) => lines.length > 0);
}

function innerChanges(before: readonly string[], after: readonly string[]): readonly Stretch[] {
  const found = diffArrays([...before], [...after], { maxEditLength: mostEdits });
  if (found === undefined) {
    return [
      { kind: "removed", lines: before },
      { kind: "added", lines: after },
    ];
  }
  return found.map(({ value, added, removed }) => ({
    kind: added ? "added" : removed ? "removed" : "same",
    lines: value,
  }));
}

/** Long stretches of the same lines become gaps, and so does what is too much to show. */
function shown(changes: readonly Stretch[]): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let hidden = 0;
  const put = (kind: Stretch["kind"], text: string) => {
    if (lines.length < mostShown) lines.push({ kind, text: shortLine(text) });
    else hidden += 1;
  };
  for (const [index, { kind, lines: stretch }] of changes.entries()) {
    if (kind !== "same") {
      for (const text of stretch) put(kind, text);
      continue;
    }
    const before = index === 0 ? 0 : around;
    const behind = index === changes.length - 1 ? 0 : around;
    if (stretch.length <= before + behind) {
      for (const text of stretch) put(kind, text);
      continue;
    }
    for (const text of stretch.slice(0, before)) put(kind, text);
    if (lines.length < mostShown) lines.push(gap(stretch.length - before - behind));
    for (const text of behind === 0 ? [] : stretch.slice(-behind)) put(kind, text);
  }
  return hidden === 0 ? lines : [...lines, gap(hidden)];
}

function gap(count: number): DiffLine {
  return { kind: "gap", text: `${count} ${count === 1 ? "line" : "lines"}` };
}

function shortLine(text: string): string {
  return text.length <= longestLine ? text : `${text.slice(0, longestLine)}…`;
}
