import type { Attachment } from "../common/attachments";
import { type AnswerMessage, answerMessage, type ChatMessage, userInput } from "../common/messages";
import type { TurnId } from "../protocol/service";
import { allInWords } from "../text/attachedText";
import { Past } from "../text/past";
import type { BuiltPrompt, PromptAhead, PromptBuilder, PromptFrame } from "../text/prompt";
import { runInSlices, type Steps } from "../text/steps";
import { AttachedTokens } from "./attachedTokens";
import { type Continuation, continuationsOf, type Saved, saveAfter } from "./savedHistories";
import { withoutResults } from "./turnInput";
import { joinIds } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/** A message that is being written. */
export interface Draft {
  readonly text: string;
  readonly attachments?: readonly Attachment[];
}

interface Known {
  readonly turn: Turn;
  /**
   * The history up to the turn. A turn without a prompt adds nothing to it; an unanswered turn is no part of it.
   */
  readonly past: Past | undefined;
  readonly saved: Saved;
}

/**
 * An agent's turns as token histories, for one model at a time. A turn is worked out once, so a prompt costs only what
 * is new in it.
 */
export class Conversation {
  /** By the prompt builder that made their segments. */
  private readonly known = new WeakMap<PromptBuilder, Map<TurnId, Known>>();

  private readonly attachedTokens = new AttachedTokens();

  constructor(private readonly tree: TurnTree) {}

  /** The prompt of `turn`. The part that agrees with the history before it keeps its ids. */
  async prompt(turn: Turn, frame: PromptFrame, builder: PromptBuilder, signal?: AbortSignal): Promise<BuiltPrompt> {
    const past = await this.pastOf(turn.parent, builder, signal);
    return builder.buildAfter({ ...frame, past, input: allInWords(turn.input) }, signal);
  }

  /** The ids of the prompt of `turn` and of its answer so far. */
  async answered(turn: Turn, frame: PromptFrame, builder: PromptBuilder, signal?: AbortSignal) {
    const { prompt, answerIds } = turn;
    const past = await this.pastOf(turn.parent, builder, signal);
    // A copy that startOver made has no prompt before it is continued.
    const built =
      prompt === undefined
        ? await builder.buildAfter({ ...frame, past, input: allInWords(turn.input) }, signal)
        : undefined;
    const segments = prompt?.segments ?? [];
    const before = built?.ids ?? past?.ids(prompt?.keep, segments) ?? joinIds(segments.map(({ ids }) => ids));
    return { ids: joinIds([before, answerIds]), built };
  }

  /** The beginning of the prompt of the next message behind `head`; `draft` is the message so far. */
  async ahead(
    head: TurnId | undefined,
    draft: Draft,
    frame: PromptFrame,
    builder: PromptBuilder,
    signal?: AbortSignal,
  ): Promise<PromptAhead> {
    return this.aheadOf(head, this.draftInput(head, { ...draft, text: draft.text.trim() }), frame, builder, signal);
  }

  /** The same for `input`, whose last message is not known to its end. */
  async aheadOf(
    head: TurnId | undefined,
    input: readonly ChatMessage[],
    frame: PromptFrame,
    builder: PromptBuilder,
    signal?: AbortSignal,
  ): Promise<PromptAhead> {
    const past = await this.pastOf(head, builder, signal);
    return builder.aheadAfter({ ...frame, past, input: allInWords(input) }, signal);
  }

  /** Tokens of `draft` alone, and of the whole prompt if it were the next message behind `head`. */
  async sizeWith(head: TurnId | undefined, draft: Draft, frame: PromptFrame, builder: PromptBuilder) {
    const past = await this.pastOf(head, builder);
    const { ids } = await builder.buildAfter({ ...frame, past, input: allInWords(this.draftInput(head, draft)) });
    const textTokens = await builder.countText(draft.text);
    const attachmentTokens = await this.attachedTokens.count(draft.attachments ?? [], builder);
    return {
      draftTokens: attachmentTokens.reduce((sum, tokens) => sum + tokens, textTokens),
      promptTokens: ids.length,
      ...(attachmentTokens.length === 0 ? {} : { attachmentTokens }),
    };
  }

  /** The messages up to `turn` and those that it answers, for what reads texts; with `goesOn` also its answer so far. */
  messages(turn: Turn, goesOn: boolean): readonly ChatMessage[] {
    const before = this.tree.branch(turn.parent).filter((earlier) => !isUnanswered(earlier));
    const said = before.flatMap((earlier) => [...earlier.input, answerOf(earlier)]);
    return [...allInWords([...said, ...turn.input]), ...(goesOn ? [answerOf(turn)] : [])];
  }

  /** The token history up to `head`. */
  async ids(head: TurnId | undefined, builder: PromptBuilder, signal?: AbortSignal): Promise<Int32Array> {
    return (await this.pastOf(head, builder, signal))?.ids() ?? new Int32Array(0);
  }

  /**
   * From the saved histories that agree with `tokens` beyond `start`: their `count` tokens from `start`. Best first.
   */
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

  /** What a message behind `head` would be answered with: calls that wait for results go without them. */
  draftInput(head: TurnId | undefined, { text, attachments }: Draft): readonly ChatMessage[] {
    return [...this.resultsBehind(head), ...userInput(text, attachments)];
  }

  /** A result for each call that has none yet: a template may insist on them, also where the answer with them was cut. */
  private resultsBehind(head: TurnId | undefined): readonly ChatMessage[] {
    const turn = this.find(head);
    if (turn === undefined) return [];
    if (!isUnanswered(turn)) return withoutResults(turn.calls);
    // It is no part of the conversation, but the results that it was given are.
    const given = turn.input.filter(({ role }) => role === "tool");
    return given.length > 0 ? given : this.resultsBehind(turn.parent);
  }

  private find(id: TurnId | undefined): Turn | undefined {
    return id === undefined ? undefined : this.tree.get(id);
  }
}

/**
 * Works out the turns that are not known yet. Parents come first. A turn that changed is a new object.
 */
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
  const { prompt } = turn;
  const input = allInWords(turn.input);
  const answer = answerOf(turn);
  if (prompt === undefined) return new Past(before, { input, answer, keep: Number.POSITIVE_INFINITY, added: [] });
  const said = builder.answerSegments({ ids: turn.answerIds, text: turn.thought + (turn.raw ?? turn.answerText) });
  return new Past(before, { input, answer, keep: prompt.keep, added: [...prompt.segments, ...said] });
}

/** The answer as a message of the conversation. */
function answerOf({ thought, answerText, calls, raw }: Turn): AnswerMessage {
  return {
    ...answerMessage(answerText, thought),
    ...(calls.length === 0 ? {} : { calls }),
    ...(raw === undefined ? {} : { raw }),
  };
}
