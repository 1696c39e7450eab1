/** All turns of an agent. Nothing is ever removed: rewind and regenerate only move the head. */
import type { ErrorInfo } from "../common/errors";
import type { AgentDetail, TurnFigures, TurnId, TurnView } from "../protocol/service";
import { MalformedJson } from "../store/json";
import { GrowingIds } from "../text/growingIds";
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
  /** Ids of the answers that may go on. */
  private readonly answers = new Map<TurnId, GrowingIds>();

  /**
   * Applies records in the order of the log; each costs what is new in it. Records of unknown turns are ignored: there
   * are none in an undamaged log. Throws `MalformedJson` where a turn comes twice or before its parent.
   */
  apply(record: TurnRecord): void {
    if (record.type === "turn") {
      this.add(record);
      return;
    }
    const turn = this.turns.get(record.turn);
    if (turn !== undefined) this.turns.set(turn.id, this.withRecord(turn, record));
  }

  get(id: TurnId): Turn | undefined {
    return this.turns.get(id);
  }

  all(): readonly Turn[] {
    return [...this.turns.values()];
  }

  /** Ids are short because people type them: t1, t2 … */
  nextId(): TurnId {
    return this.idAfter(0);
  }

  /** Ids for `count` turns that are to be added one after the other. */
  nextIds(count: number): readonly TurnId[] {
    return Array.from({ length: count }, (_, index) => this.idAfter(index));
  }

  /** From the first turn to `head`. */
  branch(head: TurnId | undefined): readonly Turn[] {
    const branch: Turn[] = [];
    for (let turn = this.find(head); turn !== undefined; turn = this.find(turn.parent)) branch.push(turn);
    return branch.reverse();
  }

  /** `head` if it is there, else the newest turn: what a damaged log still has. */
  readable(head: TurnId | undefined): TurnId | undefined {
    if (head === undefined || this.turns.has(head)) return head;
    return [...this.turns.keys()].at(-1);
  }

  /** Ends of branches that are not on the way to `head`, newest first. `turns`: how many are not shared with it. */
  otherBranches(head: TurnId | undefined): AgentDetail["otherBranches"] {
    const shared = new Set(this.branch(head).map((turn) => turn.id));
    const parents = new Set([...this.turns.values()].map((turn) => turn.parent));
    return [...this.turns.values()]
      .filter((turn) => !parents.has(turn.id) && !shared.has(turn.id))
      .map((leaf) => {
        let first = leaf;
        let turns = 1;
        for (
          let turn = this.find(leaf.parent);
          turn !== undefined && !shared.has(turn.id);
          turn = this.find(turn.parent)
        ) {
          first = turn;
          turns += 1;
        }
        return { turn: leaf.id, preview: first.user, turns };
      })
      .reverse();
  }

  private add({ turn: id, parent, user, at }: Extract<TurnRecord, { type: "turn" }>): void {
    if (this.turns.has(id)) throw new MalformedJson(`turn ${id} comes twice`);
    if (parent !== undefined && !this.turns.has(parent)) throw new MalformedJson(`turn ${id} comes before its parent`);
    const turn: Turn = { id, user, createdAt: at, answerText: "", answerIds: new Int32Array(0) };
    this.turns.set(id, parent === undefined ? turn : { ...turn, parent });
  }

  private withRecord(turn: Turn, record: Exclude<TurnRecord, { type: "turn" }>): Turn {
    switch (record.type) {
      case "prompt":
        return { ...turn, prompt: { keep: record.keep, segments: record.segments, tokens: record.tokens } };
      case "answer": {
        const answer = this.answers.get(turn.id) ?? new GrowingIds(turn.answerIds);
        this.answers.set(turn.id, answer);
        return { ...turn, answerText: turn.answerText + record.text, answerIds: answer.append(record.ids) };
      }
      case "end": {
        this.answers.delete(turn.id);
        const { type: _, turn: __, ...end } = record;
        return { ...turn, end };
      }
    }
  }

  private idAfter(further: number): TurnId {
    return `t${this.turns.size + 1 + further}`;
  }

  private find(id: TurnId | undefined): Turn | undefined {
    return id === undefined ? undefined : this.turns.get(id);
  }
}

/** A failed turn without a word of answer: it stands in the transcript and is not a part of the conversation. */
export function isUnanswered(turn: Turn): boolean {
  return turn.end?.state === "failed" && turn.answerIds.length === 0;
}

/** The turn for a page. `running`: it is being answered now; its text so far is then in the running answer's events. */
export function toView(turn: Turn, running: boolean, saveError?: ErrorInfo): TurnView {
  const base = {
    id: turn.id,
    user: turn.user,
    answer: turn.answerText,
    createdAt: turn.createdAt,
    ...(turn.parent === undefined ? {} : { parent: turn.parent }),
    ...(saveError === undefined ? {} : { saveError }),
  };
  if (turn.end === undefined) return { ...base, state: running ? "running" : "interrupted" };
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
