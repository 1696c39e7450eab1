import type { TurnId } from "../protocol/service";
import { Past } from "../text/past";
import type { BuiltPrompt, PromptAhead, PromptBuilder } from "../text/prompt";
import { runInSlices, type Steps } from "../text/steps";
import { type Continuation, continuationsOf, type Saved, saveAfter } from "./savedHistories";
import { joinIds } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

interface Known {
  readonly turn: Turn;
  /**
   * Turns whose prompt was never built add nothing to the history; unanswered ones are no part of the conversation.
   */
  readonly past: Past | undefined;
  readonly saved: Saved;
}

/**
 * An agent's turns as what was really read and said, for one model's texts at a time. A turn is worked out once: what
 * a prompt costs is what is new behind it.
 */
export class Conversation {
  /** By whose texts they are. */
  private readonly known = new WeakMap<PromptBuilder, Map<TurnId, Known>>();

  constructor(private readonly tree: TurnTree) {}

  /** The prompt of `turn`: what agrees with the history before it keeps its ids. */
  async prompt(turn: Turn, system: string, builder: PromptBuilder, signal?: AbortSignal): Promise<BuiltPrompt> {
    const past = await this.pastOf(turn.parent, builder, signal);
    return builder.buildAfter({ system, past, user: turn.user }, signal);
  }

  /** What was read before the answer of `turn`, and the answer so far. */
  async answered(turn: Turn, system: string, builder: PromptBuilder, signal?: AbortSignal) {
    const { prompt, answerIds } = turn;
    const past = await this.pastOf(turn.parent, builder, signal);
    // A copy of a turn has no prompt of its own before it is continued.
    const built =
      prompt === undefined ? await builder.buildAfter({ system, past, user: turn.user }, signal) : undefined;
    const segments = prompt?.segments ?? [];
    const before = built?.ids ?? past?.ids(prompt?.keep, segments) ?? joinIds(segments.map(({ ids }) => ids));
    return { ids: joinIds([before, answerIds]), built };
  }

  /** What the prompt of the next message behind `head` begins with, of which `draft` is written so far. */
  async ahead(
    head: TurnId | undefined,
    draft: string,
    system: string,
    builder: PromptBuilder,
    signal?: AbortSignal,
  ): Promise<PromptAhead> {
    const past = await this.pastOf(head, builder, signal);
    return builder.aheadAfter({ system, past, user: draft.trim() }, signal);
  }

  /** Tokens of `draft` alone, and of the whole prompt if it were the next message behind `head`. */
  async sizeWith(head: TurnId | undefined, draft: string, system: string, builder: PromptBuilder) {
    const past = await this.pastOf(head, builder);
    const { ids } = await builder.buildAfter({ system, past, user: draft });
    return { draftTokens: await builder.countText(draft), promptTokens: ids.length };
  }

  /** What was read and said up to `head`. */
  async ids(head: TurnId | undefined, builder: PromptBuilder, signal?: AbortSignal): Promise<Int32Array> {
    return (await this.pastOf(head, builder, signal))?.ids() ?? new Int32Array(0);
  }

  /** Saved histories that agree with `tokens` beyond `start`, best first: their `count` tokens from there. */
  async continuations(
    tokens: Int32Array,
    start: number,
    count: number,
    builder: PromptBuilder,
  ): Promise<readonly Continuation[]> {
    const turns = this.tree.all();
    const known = this.knownOf(builder);
    await runInSlices(workOut(turns, known, builder));
    const histories = turns.map(({ id }) => known.get(id)?.saved.own);
    return continuationsOf(
      histories.filter((history) => history !== undefined),
      tokens,
      start,
      count,
    );
  }

  private async pastOf(
    head: TurnId | undefined,
    builder: PromptBuilder,
    signal?: AbortSignal,
  ): Promise<Past | undefined> {
    const known = this.knownOf(builder);
    const unknown: Turn[] = [];
    for (let turn = this.find(head); turn !== undefined; turn = this.find(turn.parent)) {
      if (known.get(turn.id)?.turn === turn) break;
      unknown.push(turn);
    }
    await runInSlices(workOut(unknown.reverse(), known, builder), signal);
    return head === undefined ? undefined : known.get(head)?.past;
  }

  private knownOf(builder: PromptBuilder): Map<TurnId, Known> {
    const known = this.known.get(builder) ?? new Map<TurnId, Known>();
    this.known.set(builder, known);
    return known;
  }

  private find(id: TurnId | undefined): Turn | undefined {
    return id === undefined ? undefined : this.tree.get(id);
  }
}

/** What is not known yet of `turns`, which come after their parents. A turn that goes on is another object each time. */
function* workOut(turns: readonly Turn[], known: Map<TurnId, Known>, builder: PromptBuilder): Steps<void> {
  for (const turn of turns) {
    if (known.get(turn.id)?.turn === turn) continue;
    const before = turn.parent === undefined ? undefined : known.get(turn.parent);
    const past = isUnanswered(turn) ? before?.past : pastAfter(turn, before?.past, builder);
    known.set(turn.id, { turn, past, saved: saveAfter(turn, before?.past, before?.saved) });
    yield;
  }
}

function pastAfter(turn: Turn, before: Past | undefined, builder: PromptBuilder): Past {
  const { user, answerText: answer, prompt } = turn;
  if (prompt === undefined) return new Past(before, { user, answer, keep: Number.POSITIVE_INFINITY, added: [] });
  const said = builder.answerSegments({ ids: turn.answerIds, text: answer });
  return new Past(before, { user, answer, keep: prompt.keep, added: [...prompt.segments, ...said] });
}
