import { GrowingIds } from "./growingIds";
import type { AnswerMessage, ChatMessage, Segment } from "./messages";

/** A finished step: its messages, and the segments of the token history with which it replaced earlier ones. */
export interface PastTurn {
  /** The messages that were answered: of the user, or results of the calls before. At least one. */
  readonly input: readonly ChatMessage[];
  readonly answer: AnswerMessage;
  /** Number of segments of the earlier history that it keeps. */
  readonly keep: number;
  /** The segments of the turn after these. */
  readonly added: readonly Segment[];
}

/**
 * Finished turns, newest last, and the token history behind them. Each turn is one more link, so branches share what
 * they have in common, and a turn costs what is new in it.
 */
export class Past {
  readonly numTurns: number;
  readonly numSegments: number;
  readonly numTokens: number;
  readonly input: readonly ChatMessage[];
  readonly answer: AnswerMessage;
  readonly added: readonly Segment[];
  /** Number of segments of `before` that are kept, and of their tokens. */
  readonly keep: number;
  readonly keptTokens: number;
  private all: { readonly ids: Int32Array; readonly growing: GrowingIds } | undefined;

  constructor(
    readonly before: Past | undefined,
    turn: PastTurn,
  ) {
    this.input = turn.input;
    this.answer = turn.answer;
    this.added = turn.added;
    this.keep = Math.min(turn.keep, before?.numSegments ?? 0);
    this.keptTokens = before?.tokensOfFirst(this.keep) ?? 0;
    this.numTurns = (before?.numTurns ?? 0) + 1;
    this.numSegments = this.keep + turn.added.length;
    this.numTokens = this.keptTokens + turn.added.reduce((sum, { ids }) => sum + ids.length, 0);
  }

  /** Number of tokens in the first `count` segments. */
  tokensOfFirst(count: number): number {
    if (count >= this.numSegments) return this.numTokens;
    const { owner, own } = this.ownerOfFirst(count);
    return owner.added.slice(0, own).reduce((sum, { ids }) => sum + ids.length, owner.keptTokens);
  }

  /** Segments number `from` to `to` − 1 of the history. */
  segments(from = 0, to = this.numSegments): readonly Segment[] {
    const segments: Segment[] = [];
    for (const segment of this.backwards(to)) {
      if (segments.length >= to - from) break;
      segments.push(segment);
    }
    return segments.reverse();
  }

  /** Ids of the first `count` segments, then `more`. */
  ids(count = this.numSegments, more: readonly Segment[] = []): Int32Array {
    const kept = this.allIds().ids.subarray(0, this.tokensOfFirst(count));
    const ids = new Int32Array(more.reduce((sum, segment) => sum + segment.ids.length, kept.length));
    ids.set(kept);
    let end = kept.length;
    for (const segment of more) {
      ids.set(segment.ids, end);
      end += segment.ids.length;
    }
    return ids;
  }

  /** All ids; uses the buffer of the turn before if they only extend its ids. */
  private allIds(): { readonly ids: Int32Array; readonly growing: GrowingIds } {
    if (this.all !== undefined) return this.all;
    const before = this.before?.all;
    const goesOn = before !== undefined && this.keptTokens === before.ids.length;
    let growing = before?.growing;
    if (growing === undefined || !goesOn || growing.length !== this.keptTokens) {
      growing = new GrowingIds(this.collectIds(this.keep));
      // Only the newest turn's ids are requested, so the earlier turn gives up a buffer that cannot be extended.
      if (this.before !== undefined && !goesOn) this.before.all = undefined;
    }
    let ids = growing.append(new Int32Array(0));
    for (const segment of this.added) ids = growing.append(segment.ids);
    this.all = { ids, growing };
    return this.all;
  }

  private collectIds(count: number): Int32Array {
    let end = this.tokensOfFirst(count);
    const ids = new Int32Array(end);
    for (const segment of this.backwards(count)) {
      end -= segment.ids.length;
      ids.set(segment.ids, end);
    }
    return ids;
  }

  /** The turns from the first. */
  turns(): readonly Past[] {
    const turns: Past[] = [];
    for (let turn: Past | undefined = this; turn !== undefined; turn = turn.before) turns.push(turn);
    return turns.reverse();
  }

  /** The first `count` segments, last one first. */
  private *backwards(count: number): Generator<Segment> {
    let turn: Past = this;
    for (let left = Math.min(count, this.numSegments); left > 0; left = turn.keep) {
      const { owner, own } = turn.ownerOfFirst(left);
      turn = owner;
      for (let index = own; index > 0; index -= 1) {
        const segment = owner.added[index - 1];
        if (segment !== undefined) yield segment;
      }
    }
  }

  /** The turn that added segment `count` − 1, and how many of its own are among the first `count`. */
  private ownerOfFirst(count: number): { readonly owner: Past; readonly own: number } {
    let owner: Past = this;
    while (count <= owner.keep && owner.before !== undefined) owner = owner.before;
    return { owner, own: count - owner.keep };
  }
}

/** The conversation in the form of a template's input: the instructions, the past, and the new messages. */
export function messagesOf(
  system: string,
  past: Past | undefined,
  input: readonly ChatMessage[],
): readonly ChatMessage[] {
  const messages: ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
  for (const turn of past?.turns() ?? []) messages.push(...turn.input, turn.answer);
  messages.push(...input);
  return messages;
}
