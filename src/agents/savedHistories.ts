import { commonPrefix } from "../engine/tokenHistory";
import type { TurnId } from "../protocol/service";
import type { Past } from "../text/past";
import { isUnanswered, type Turn } from "./turnTree";

/** A part of a saved history: its first `agreeing` tokens are those that are wanted. */
export interface Continuation {
  readonly tokens: Int32Array;
  readonly agreeing: number;
}

/** What was read and said up to a turn's end, id by id as the model had it: a beginning of `before`'s, then `own`. */
interface SavedHistory {
  readonly before: SavedHistory | undefined;
  readonly keptTokens: number;
  readonly own: readonly Int32Array[];
  readonly numTokens: number;
  /** How many of its first tokens are those that are wanted. */
  readonly agreeing: number;
}

/**
 * How far each turn's history agrees with the `wanted` tokens. A history that departs from them does so in one turn, and
 * so do those behind it: each turn is compared up to its first difference only.
 */
export class SavedHistories {
  private readonly histories: SavedHistory[] = [];
  /** The history that each turn's past is a beginning of. */
  private readonly sources = new Map<TurnId, SavedHistory | undefined>();

  constructor(private readonly wanted: Int32Array) {}

  /** Turns come after their parents. `past`: what is before the turn. */
  add(turn: Turn, past: Past | undefined): void {
    const before = turn.parent === undefined ? undefined : this.sources.get(turn.parent);
    const history = turn.prompt === undefined ? undefined : this.historyOf(turn, turn.prompt.keep, before, past);
    if (history !== undefined) this.histories.push(history);
    this.sources.set(turn.id, history === undefined || isUnanswered(turn) ? before : history);
  }

  /** The `count` tokens from `start` of all histories that hold them and agree beyond `start`; those that agree most first. */
  continuations(start: number, count: number): readonly Continuation[] {
    return this.histories
      .filter(({ agreeing, numTokens }) => agreeing > start && numTokens >= start + count)
      .sort((a, b) => b.agreeing - a.agreeing)
      .map((history) => ({ tokens: partOf(history, start, start + count), agreeing: history.agreeing - start }));
  }

  private historyOf(turn: Turn, keep: number, before: SavedHistory | undefined, past: Past | undefined): SavedHistory {
    const own = [...(turn.prompt?.segments ?? []).map(({ ids }) => ids), turn.answerIds];
    const keptTokens = past?.tokensOfFirst(keep) ?? 0;
    const numTokens = own.reduce((sum, ids) => sum + ids.length, keptTokens);
    const agreeing = this.agreeing(own, keptTokens, before?.agreeing ?? 0);
    return { before, keptTokens, own, numTokens, agreeing };
  }

  private agreeing(own: readonly Int32Array[], keptTokens: number, agreeingBefore: number): number {
    if (agreeingBefore < keptTokens) return agreeingBefore;
    let agreeing = keptTokens;
    for (const ids of own) {
      const common = commonPrefix(ids, this.wanted.subarray(agreeing));
      agreeing += common;
      if (common < ids.length) break;
    }
    return agreeing;
  }
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
