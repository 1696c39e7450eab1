/** All turns of an agent. No turn on disk is ever removed: rewind and regenerate only move the head. */
import { attachmentView, type PinnedFile } from "../common/attachments";
import type { ErrorInfo } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import type { DroppedCall, ToolCall } from "../common/tools";
import { visiblePath } from "../common/visiblePath";
import type { SummaryMark, TurnChain, TurnFigures, TurnId, TurnView } from "../protocol/service";
import { MalformedJson } from "../store/json";
import { readableThought } from "../text/thinkingMarks";
import { pinnedBy } from "./pinnedFiles";
import { attachmentsOf, isStep, resultsOf, userText, waitingCalls } from "./turnInput";
import type { LogRecord, TurnEnd, TurnPrompt, TurnRecord } from "./turnRecords";

export interface Turn {
  readonly id: TurnId;
  readonly parent?: TurnId;
  /** The messages that it answers. */
  readonly input: readonly ChatMessage[];
  readonly createdAt: number;
  /** Its message is a summary in the place of earlier turns, and its answer only says that it was read. */
  readonly summary?: SummaryMark;
  /** Absent until the prompt was built; stays absent where building failed. */
  readonly prompt?: TurnPrompt;
  /** What was said before the answer, with the marks of thinking. */
  readonly thought: string;
  readonly answerText: string;
  /** What was said of the answer with its calls, as the model wrote them; absent: `answerText`. */
  readonly raw?: string;
  readonly calls: readonly ToolCall[];
  readonly dropped?: DroppedCall;
  readonly answerIds: Int32Array;
  /** Absent while the answer is generated, and where the process ended before the answer did. */
  readonly end?: TurnEnd;
}

export class TurnTree {
  /** The agent's pinned files, for all its turns. The same list until it is set again. */
  files: readonly PinnedFile[] = [];
  private readonly turns = new Map<TurnId, Turn>();
  /**
   * Buffers of answers that may still grow. They have spare room, so that appending does not copy all ids each time.
   */
  private readonly growing = new Map<TurnId, Int32Array>();
  /** Incremented with each change that may change the number of chains. */
  private shape = 0;
  private counted: { readonly shape: number; readonly head: TurnId | undefined; readonly chains: number } | undefined;

  /**
   * Applies records in the order of the log. Throws `MalformedJson` for a turn that comes twice, a turn before its
   * parent (which also rules out cycles), a part of a turn that is not there, and a file whose text is not there.
   */
  apply(record: LogRecord): void {
    if (record.type === "files") {
      this.files = pinnedBy(record, this.files);
      return;
    }
    if (record.type === "turn") {
      const { turn: id, parent, input, at, summary } = record;
      if (this.turns.has(id)) throw new MalformedJson(`turn ${id} comes twice`);
      if (parent !== undefined && !this.turns.has(parent)) {
        throw new MalformedJson(`turn ${id} follows ${parent}, which is not there before it`);
      }
      const nothing = { thought: "", answerText: "", calls: [], answerIds: new Int32Array(0) };
      const turn: Turn = { id, input, createdAt: at, ...nothing, ...(summary && { summary }) };
      this.turns.set(id, parent === undefined ? turn : { ...turn, parent });
      this.shape += 1;
      return;
    }
    const turn = this.turns.get(record.turn);
    if (turn === undefined) throw new MalformedJson(`turn ${record.turn} is not there`);
    this.turns.set(turn.id, this.withRecord(turn, record));
  }

  /** Removes the newest turn, which could not be committed. Nothing follows it. */
  withdraw(id: TurnId): void {
    this.turns.delete(id);
    this.growing.delete(id);
    this.shape += 1;
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

  /** Ids for the next `count` turns. */
  nextIds(count: number): readonly TurnId[] {
    const ids: TurnId[] = [];
    for (let number = this.turns.size + 1; ids.length < count; number += 1) {
      if (!this.turns.has(`t${number}`)) ids.push(`t${number}`);
    }
    return ids;
  }

  /** The turns from the first to `head`; with `newest` only the last `newest` of them. */
  branch(head: TurnId | undefined, newest = Number.POSITIVE_INFINITY): readonly Turn[] {
    const branch: Turn[] = [];
    for (let turn = this.find(head); turn !== undefined && branch.length < newest; turn = this.find(turn.parent)) {
      branch.push(turn);
    }
    return branch.reverse();
  }

  /** Turns from the first to `head` as a person counts them: a turn that goes on with results is one turn. */
  turnCount(head: TurnId | undefined): number {
    return this.branch(head).filter((turn) => !isStep(turn)).length;
  }

  /** Number of calls of the answer at `head` that wait for results. */
  waitingAt(head: TurnId | undefined): number {
    return waitingCalls(this.find(head)).length;
  }

  get size(): number {
    return this.turns.size;
  }

  /** Whether other turns follow this one. */
  isFollowed(id: TurnId): boolean {
    return this.all().some((turn) => turn.parent === id && !isWithdrawn(turn));
  }

  newest(): TurnId | undefined {
    const all = this.all();
    return (all.filter((turn) => !isWithdrawn(turn)).at(-1) ?? all.at(-1))?.id;
  }

  /** `head` if it is there, else the newest turn that a damaged log still has. */
  readable(head: TurnId | undefined): TurnId | undefined {
    return head === undefined || this.turns.has(head) ? head : this.newest();
  }

  /** Number of `chains`. Counted once for each state of the tree. */
  chainCount(head: TurnId | undefined): number {
    const { shape, counted } = this;
    if (counted?.shape === shape && counted.head === head) return counted.chains;
    const chains = this.chains(head).length;
    this.counted = { shape, head, chains };
    return chains;
  }

  /**
   * The tree as chains, parents first; empty where there is only the branch at `head`. Messages that did not fit are
   * left out.
   */
  chains(head: TurnId | undefined): readonly TurnChain[] {
    const current = new Set(this.branch(head).map((turn) => turn.id));
    if (current.size === this.turns.size) return [];
    const shown = this.withoutWithdrawn(current);
    if (current.size === shown.length) return [];
    const followers = new Map<TurnId | undefined, number>();
    for (const { parent } of shown) followers.set(parent, (followers.get(parent) ?? 0) + 1);
    const goesOn = (id: TurnId | undefined) => id !== undefined && id !== head && followers.get(id) === 1;
    /** The chain that each turn belongs to so far. */
    const tokens = new Map<TurnId, number>();
    const open = new Map<
      TurnId,
      { readonly first: Turn; readonly after: TurnId | undefined; readonly turns: number; readonly steps: number }
    >();
    const chains: TurnChain[] = [];
    for (const turn of shown) {
      const before = turn.parent !== undefined && goesOn(turn.parent) ? open.get(turn.parent) : undefined;
      const { turns, steps } = before ?? { turns: 0, steps: 0 };
      const counted = isStep(turn) ? { turns, steps: steps + 1 } : { turns: turns + 1, steps };
      const chain = { ...(before ?? { first: turn, after: turn.parent }), ...counted };
      open.set(turn.id, chain);
      tokens.set(turn.id, ownTokens(turn) ?? (turn.parent === undefined ? 0 : (tokens.get(turn.parent) ?? 0)));
      if (goesOn(turn.id)) continue;
      chains.push({
        turn: turn.id,
        ...(chain.after === undefined ? {} : { after: chain.after }),
        current: current.has(turn.id),
        isEnd: !followers.has(turn.id),
        user: beginning(shownMessage(chain.first.input)),
        answer: beginning(chain.first.answerText),
        ...(chain.first.summary && { summary: chain.first.summary }),
        ...calledIn(chain.first),
        turns: chain.turns,
        ...(chain.steps === 0 ? {} : { steps: chain.steps }),
        tokens: tokens.get(turn.id) ?? 0,
        createdAt: turn.createdAt,
      });
    }
    return chains;
  }

  /** In older logs such a turn may have followers or be the head: then it is kept. */
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
        // A record after an end continues the answer: the turn has no end until the next end record.
        const { end: _, dropped: __, ...open } = turn;
        return {
          ...open,
          thought: turn.thought + (record.thought ?? ""),
          answerText: turn.answerText + record.text,
          ...rawAfter(turn, record),
          calls: record.calls === undefined ? turn.calls : [...turn.calls, ...record.calls],
          ...(record.dropped === undefined ? {} : { dropped: record.dropped }),
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

  /** `before` and `ids` joined. Arrays that were returned earlier do not change: each is a view of its own length. */
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

function rawAfter({ raw, answerText }: Turn, record: { readonly text: string; readonly raw?: string }) {
  if (raw === undefined && record.raw === undefined) return {};
  return { raw: (raw ?? answerText) + (record.raw ?? record.text) };
}

/** Characters of a text that a list shows. */
const beginningLength = 160;

function beginning(text: string): string {
  return text.length <= beginningLength ? text : `${text.slice(0, beginningLength - 1)}…`;
}

/** Of a message without a text, what is attached to it. */
function shownMessage(input: readonly ChatMessage[]): string {
  const text = userText(input);
  if (text !== "") return text;
  return attachmentsOf(input)
    .map(({ path }) => visiblePath(path))
    .join(", ");
}

/** Most names of tools that a list shows. */
const mostCalled = 4;

function calledIn({ calls }: Turn): Pick<TurnChain, "called"> {
  const called = [...new Set(calls.map(({ name }) => name))].slice(0, mostCalled);
  return called.length === 0 ? {} : { called };
}

/** Length of the token history up to `head`, without a tokenizer: every sampled id counts. */
export function countTokens(tree: TurnTree, head: TurnId | undefined): number {
  for (let id = head; id !== undefined; ) {
    const turn = tree.get(id);
    const tokens = turn && ownTokens(turn);
    if (tokens !== undefined) return tokens;
    id = turn?.parent;
  }
  return 0;
}

/** Length of the history up to `turn`; `undefined` where the turn adds nothing to it. */
function ownTokens(turn: Turn): number | undefined {
  // Its figures are those of the work that made it.
  if (turn.summary !== undefined && turn.prompt === undefined) return undefined;
  const figures = turn.end?.state === "done" ? turn.end.figures : undefined;
  if (figures?.by === "server") {
    const isTold = figures.promptTokens > 0 && !isUnanswered(turn);
    return isTold ? figures.promptTokens + figures.generatedTokens : undefined;
  }
  return turn.prompt === undefined || isUnanswered(turn) ? undefined : turn.prompt.tokens + turn.answerIds.length;
}

/** A failed turn without any answer. It is shown in the transcript and is no part of the conversation. */
export function isUnanswered(turn: Turn): boolean {
  return turn.end?.state === "failed" && turn.answerIds.length === 0 && turn.answerText === "";
}

/** A message that did not fit the context: it was not read, and the head went back. */
function isWithdrawn({ end, prompt }: Turn): boolean {
  return end?.state === "failed" && end.error.code === "CONTEXT_FULL" && prompt === undefined;
}

/**
 * The turn for a page. "here": it is being answered now, and the running answer's events have its text so far.
 * "elsewhere": another process may be answering it; it is if the turn has no end.
 */
export function toView(turn: Turn, running: "here" | "elsewhere" | "no", saveError?: ErrorInfo): TurnView {
  const attachments = attachmentsOf(turn.input);
  const base = {
    id: turn.id,
    user: userText(turn.input),
    ...(attachments.length === 0 ? {} : { attachments: attachments.map(attachmentView) }),
    ...(resultsOf(turn.input).length > 0 ? { results: resultsOf(turn.input) } : {}),
    ...(turn.thought === "" ? {} : { thought: readableThought(turn.thought) }),
    answer: turn.answerText,
    ...(turn.calls.length === 0 ? {} : { calls: turn.calls }),
    ...(turn.dropped === undefined ? {} : { dropped: turn.dropped }),
    ...(turn.summary === undefined ? {} : { summary: turn.summary }),
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
