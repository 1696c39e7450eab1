/** All turns of an agent. Nothing is ever removed: rewind and regenerate only move the head. */
import type { ErrorInfo } from "../common/errors";
import type { TurnChain, TurnFigures, TurnId, TurnView } from "../protocol/service";
import { MalformedJson } from "../store/json";
import type { TurnEnd, TurnPrompt, TurnRecord } from "./turnRecords";

export interface Turn {
  readonly id: TurnId;
  readonly parent?: TurnId;
  readonly user: string;
  readonly createdAt: number;
  /** Absent until the prompt was built, and for good where that failed. */
  readonly prompt?: TurnPrompt;
  readonly answerText: string;
  readonly answerIds: Int32Array;
  /** Absent while the answer is in the making or when its process ended first. */
  readonly end?: TurnEnd;
}

export class TurnTree {
  private readonly turns = new Map<TurnId, Turn>();
  /** Ids of answers that may still grow: where there is room behind them, a further part is not paid with a copy of all. */
  private readonly growing = new Map<TurnId, Int32Array>();
  /** Counts what changes the chains' number. */
  private shape = 0;
  private counted: { readonly shape: number; readonly head: TurnId | undefined; readonly chains: number } | undefined;

  /**
   * Applies records in the order of the log. Throws `MalformedJson` on what no log of ours says: a turn that comes twice,
   * one before its parent, which is how there could be a circle, and parts of a turn that is not there.
   */
  apply(record: TurnRecord): void {
    if (record.type === "turn") {
      const { turn: id, parent, user, at } = record;
      if (this.turns.has(id)) throw new MalformedJson(`turn ${id} comes twice`);
      if (parent !== undefined && !this.turns.has(parent)) {
        throw new MalformedJson(`turn ${id} follows ${parent}, which is not there before it`);
      }
      const turn: Turn = { id, user, createdAt: at, answerText: "", answerIds: new Int32Array(0) };
      this.turns.set(id, parent === undefined ? turn : { ...turn, parent });
      this.shape += 1;
      return;
    }
    const turn = this.turns.get(record.turn);
    if (turn === undefined) throw new MalformedJson(`turn ${record.turn} is not there`);
    this.turns.set(turn.id, this.withRecord(turn, record));
  }

  get(id: TurnId): Turn | undefined {
    return this.turns.get(id);
  }

  all(): readonly Turn[] {
    return [...this.turns.values()];
  }

  /** Ids are short because people type them: t1, t2 … */
  nextId(): TurnId {
    return this.nextIds(1)[0] ?? "";
  }

  /** Ids for `count` turns that are to be added one after the other. */
  nextIds(count: number): readonly TurnId[] {
    const ids: TurnId[] = [];
    for (let number = this.turns.size + 1; ids.length < count; number += 1) {
      if (!this.turns.has(`t${number}`)) ids.push(`t${number}`);
    }
    return ids;
  }

  /** From the first turn to `head`; with `newest` only so many of its end. */
  branch(head: TurnId | undefined, newest = Number.POSITIVE_INFINITY): readonly Turn[] {
    const branch: Turn[] = [];
    for (let turn = this.find(head); turn !== undefined && branch.length < newest; turn = this.find(turn.parent)) {
      branch.push(turn);
    }
    return branch.reverse();
  }

  get size(): number {
    return this.turns.size;
  }

  /** Whether other turns come behind this one. */
  isFollowed(id: TurnId): boolean {
    return this.all().some((turn) => turn.parent === id && !isWithdrawn(turn));
  }

  newest(): TurnId | undefined {
    const all = this.all();
    return (all.filter((turn) => !isWithdrawn(turn)).at(-1) ?? all.at(-1))?.id;
  }

  /** `head` if it is there, else the newest turn: what a damaged log still has. */
  readable(head: TurnId | undefined): TurnId | undefined {
    return head === undefined || this.turns.has(head) ? head : this.newest();
  }

  /** Number of `chains`. Counted once for each head and number of turns. */
  chainCount(head: TurnId | undefined): number {
    const { shape, counted } = this;
    if (counted?.shape === shape && counted.head === head) return counted.chains;
    const chains = this.chains(head).length;
    this.counted = { shape, head, chains };
    return chains;
  }

  /**
   * The tree as chains, parents first; empty where there is nothing beside the branch at `head`. Messages that did not fit
   * are no part of it.
   */
  chains(head: TurnId | undefined): readonly TurnChain[] {
    const current = new Set(this.branch(head).map((turn) => turn.id));
    if (current.size === this.turns.size) return [];
    const shown = this.withoutWithdrawn(current);
    if (current.size === shown.length) return [];
    const followers = new Map<TurnId | undefined, number>();
    for (const { parent } of shown) followers.set(parent, (followers.get(parent) ?? 0) + 1);
    const goesOn = (id: TurnId | undefined) => id !== undefined && id !== head && followers.get(id) === 1;
    /** By turn: the chain that it is in so far. */
    const tokens = new Map<TurnId, number>();
    const open = new Map<
      TurnId,
      { readonly first: Turn; readonly after: TurnId | undefined; readonly turns: number }
    >();
    const chains: TurnChain[] = [];
    for (const turn of shown) {
      const before = turn.parent !== undefined && goesOn(turn.parent) ? open.get(turn.parent) : undefined;
      const chain = before ? { ...before, turns: before.turns + 1 } : { first: turn, after: turn.parent, turns: 1 };
      open.set(turn.id, chain);
      tokens.set(turn.id, ownTokens(turn) ?? (turn.parent === undefined ? 0 : (tokens.get(turn.parent) ?? 0)));
      if (goesOn(turn.id)) continue;
      chains.push({
        turn: turn.id,
        ...(chain.after === undefined ? {} : { after: chain.after }),
        current: current.has(turn.id),
        isEnd: !followers.has(turn.id),
        user: beginning(chain.first.user),
        answer: beginning(chain.first.answerText),
        turns: chain.turns,
        tokens: tokens.get(turn.id) ?? 0,
        createdAt: turn.createdAt,
      });
    }
    return chains;
  }

  /** Older logs have some that others follow, or that are the head. */
  private withoutWithdrawn(current: ReadonlySet<TurnId>): readonly Turn[] {
    const all = this.all();
    const parents = new Set(all.map(({ parent }) => parent));
    return all.filter((turn) => !isWithdrawn(turn) || current.has(turn.id) || parents.has(turn.id));
  }

  private find(id: TurnId | undefined): Turn | undefined {
    return id === undefined ? undefined : this.turns.get(id);
  }

  private withRecord(turn: Turn, record: Exclude<TurnRecord, { type: "turn" }>): Turn {
    switch (record.type) {
      case "prompt":
        return { ...turn, prompt: { keep: record.keep, segments: record.segments, tokens: record.tokens } };
      case "answer": {
        // Behind an end it goes on: it has none until the next.
        const { end: _, ...open } = turn;
        return {
          ...open,
          answerText: turn.answerText + record.text,
          answerIds: this.appendIds(turn.id, turn.answerIds, record.ids),
        };
      }
      case "end": {
        const { type: _, turn: __, ...end } = record;
        this.growing.delete(turn.id);
        this.shape += 1;
        return { ...turn, end };
      }
    }
  }

  /** Both, one behind the other. What was given out before does not change: it ends where it ended. */
  private appendIds(turn: TurnId, before: Int32Array, ids: Int32Array): Int32Array {
    if (before.length === 0) return ids;
    const length = before.length + ids.length;
    let room = this.growing.get(turn);
    if (room === undefined || room.length < length) {
      room = new Int32Array(length * 2);
      room.set(before);
      this.growing.set(turn, room);
    }
    room.set(ids, before.length);
    return room.subarray(0, length);
  }
}

/** Characters of a text that tell it apart in a list. */
const beginningLength = 160;

function beginning(text: string): string {
  return text.length <= beginningLength ? text : `${text.slice(0, beginningLength - 1)}…`;
}

/** Length of the token history after `head`, counted without a tokenizer: every sampled id counts. */
export function countTokens(tree: TurnTree, head: TurnId | undefined): number {
  for (let id = head; id !== undefined; ) {
    const turn = tree.get(id);
    const tokens = turn && ownTokens(turn);
    if (tokens !== undefined) return tokens;
    id = turn?.parent;
  }
  return 0;
}

/** Length of the history after `turn`; `undefined` where it adds nothing to the history before it. */
function ownTokens(turn: Turn): number | undefined {
  return turn.prompt === undefined || isUnanswered(turn) ? undefined : turn.prompt.tokens + turn.answerIds.length;
}

/** A failed turn without a word of answer: it stands in the transcript and is not a part of the conversation. */
export function isUnanswered(turn: Turn): boolean {
  return turn.end?.state === "failed" && turn.answerIds.length === 0;
}

/** A message that did not fit the context: nothing of it was read, and the head went back to where it was. */
export function isWithdrawn({ end, prompt }: Turn): boolean {
  return end?.state === "failed" && end.error.code === "CONTEXT_FULL" && prompt === undefined;
}

/**
 * The turn for a page. "here": it is being answered now; its text so far is then in the running answer's events.
 * "elsewhere": another process may be answering it, which is seen by its having no end.
 */
export function toView(turn: Turn, running: "here" | "elsewhere" | "no", saveError?: ErrorInfo): TurnView {
  const base = {
    id: turn.id,
    user: turn.user,
    answer: turn.answerText,
    createdAt: turn.createdAt,
    ...(turn.parent === undefined ? {} : { parent: turn.parent }),
    ...(saveError === undefined ? {} : { saveError }),
  };
  if (running === "here") return { ...base, state: "running" };
  if (turn.end === undefined) return { ...base, state: running === "no" ? "interrupted" : "running" };
  if (turn.end.state === "failed") return { ...base, state: "failed", error: turn.end.error };
  return { ...base, state: "done", finishReason: turn.end.finishReason, figures: turn.end.figures };
}

export const noFigures: TurnFigures = {
  promptTokens: 0,
  reusedTokens: 0,
  prefilledTokens: 0,
  generatedTokens: 0,
  ttftMs: 0,
  restoreMs: 0,
  decodeTokensPerSecond: 0,
  cache: { tier: "cold" },
};
