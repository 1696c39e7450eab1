import { commonPrefix } from "../engine/tokenHistory";
import type { Past } from "../text/past";
import { isUnanswered, type Turn } from "./turnTree";

/** A part of a saved history. Its first `agreeing` tokens are the wanted ones. */
export interface Continuation {
  readonly tokens: Int32Array;
  readonly agreeing: number;
}

/** All ids up to a turn's end, exactly as the model had them: the first `keptTokens` of `before`, then `own`. */
interface SavedHistory {
  readonly before: SavedHistory | undefined;
  readonly keptTokens: number;
  readonly own: readonly Int32Array[];
  readonly numTokens: number;
}

/** What a turn saved; `own` is absent where nothing was read. `source`: the history that its past is a prefix of. */
export interface Saved {
  readonly own: SavedHistory | undefined;
  readonly source: SavedHistory | undefined;
}

export function saveAfter(turn: Turn, past: Past | undefined, before: Saved | undefined): Saved {
  const source = before?.source;
  if (turn.prompt === undefined) return { own: undefined, source };
  const keptTokens = past?.tokensOfFirst(turn.prompt.keep) ?? 0;
  const parts = [...turn.prompt.segments.map(({ ids }) => ids), turn.answerIds];
  const numTokens = parts.reduce((sum, ids) => sum + ids.length, keptTokens);
  const own = { before: source, keptTokens, own: parts, numTokens };
  return { own, source: isUnanswered(turn) ? source : own };
}

/**
 * The `count` tokens from `start` of all `histories` that hold them and agree with `wanted` beyond `start`; those that
 * agree most first. A history departs in one turn, and so do those behind it: each turn is compared up to its first
 * difference only. Turns come after their parents.
 */
export function continuationsOf(
  histories: readonly SavedHistory[],
  wanted: Int32Array,
  start: number,
  count: number,
): readonly Continuation[] {
  const agreeing = new Map<SavedHistory, number>();
  const found: { readonly history: SavedHistory; readonly agreeing: number }[] = [];
  for (const history of histories) {
    const agreed = agreeingTokens(history, wanted, (history.before && agreeing.get(history.before)) ?? 0);
    agreeing.set(history, agreed);
    if (agreed > start && history.numTokens >= start + count) found.push({ history, agreeing: agreed - start });
  }
  found.sort((a, b) => b.agreeing - a.agreeing);
  return found.map(({ history, agreeing }) => ({ tokens: partOf(history, start, start + count), agreeing }));
}

function agreeingTokens({ keptTokens, own }: SavedHistory, wanted: Int32Array, before: number): number {
  if (before < keptTokens) return before;
  let agreeing = keptTokens;
  for (const ids of own) {
    const common = commonPrefix(ids, wanted.subarray(agreeing));
    agreeing += common;
    if (common < ids.length) break;
  }
  return agreeing;
}

/** Tokens `start` to `end` − 1. */
function partOf(history: SavedHistory, start: number, end: number): Int32Array {
  const part = new Int32Array(end - start);
  let stop = end;
  for (let at: SavedHistory | undefined = history; at !== undefined && stop > start; at = at.before) {
    let position = at.keptTokens;
    for (const ids of at.own) {
      const from = Math.max(start, position);
      const to = Math.min(stop, position + ids.length);
      if (from < to) part.set(ids.subarray(from - position, to - position), from - start);
      position += ids.length;
    }
    stop = Math.min(stop, at.keptTokens);
  }
  return part;
}
