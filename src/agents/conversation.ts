import type { TurnId } from "../protocol/service";
import { Past } from "../text/past";
import type { BuiltPrompt, PromptAhead, PromptBuilder } from "../text/prompt";
import { type Continuation, SavedHistories } from "./savedHistories";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/**
 * An agent's turns as what was really read and said, for one model's texts at a time. A turn is worked out once: what
 * a prompt costs is what is new behind it.
 */
export class Conversation {
  private builder: PromptBuilder | undefined;
  private pasts = new Map<TurnId, { readonly turn: Turn; readonly past: Past | undefined }>();

  constructor(private readonly tree: TurnTree) {}

  /** The prompt of `turn`: what agrees with the history before it keeps its ids. */
  prompt(turn: Turn, system: string, builder: PromptBuilder, signal?: AbortSignal): Promise<BuiltPrompt> {
    return builder.buildAfter({ system, past: this.pastOf(turn.parent, builder), user: turn.user }, signal);
  }

  /** What the prompt of the next message behind `head` begins with, of which `draft` is written so far. */
  ahead(
    head: TurnId | undefined,
    draft: string,
    system: string,
    builder: PromptBuilder,
    signal?: AbortSignal,
  ): Promise<PromptAhead> {
    return builder.aheadAfter({ system, past: this.pastOf(head, builder), user: draft.trim() }, signal);
  }

  /** What was read and said up to `head`. */
  ids(head: TurnId | undefined, builder: PromptBuilder): Int32Array {
    return this.pastOf(head, builder)?.ids() ?? new Int32Array(0);
  }

  /** Saved histories that agree with `tokens` beyond `start`, best first: their `count` tokens from there. */
  continuations(tokens: Int32Array, start: number, count: number, builder: PromptBuilder): readonly Continuation[] {
    const histories = new SavedHistories(tokens);
    for (const turn of this.tree.all()) histories.add(turn, this.pastOf(turn.parent, builder));
    return histories.continuations(start, count);
  }

  /** Turns whose prompt was never built add nothing to the history; unanswered ones are no part of the conversation. */
  private pastOf(head: TurnId | undefined, builder: PromptBuilder): Past | undefined {
    if (builder !== this.builder) {
      this.builder = builder;
      this.pasts = new Map();
    }
    const unknown: Turn[] = [];
    let past: Past | undefined;
    for (let turn = this.find(head); turn !== undefined; turn = this.find(turn.parent)) {
      const known = this.pasts.get(turn.id);
      // A turn that goes on is another object each time.
      if (known?.turn === turn) {
        past = known.past;
        break;
      }
      unknown.push(turn);
    }
    for (const turn of unknown.reverse()) {
      past = isUnanswered(turn) ? past : pastAfter(turn, past, builder);
      this.pasts.set(turn.id, { turn, past });
    }
    return past;
  }

  private find(id: TurnId | undefined): Turn | undefined {
    return id === undefined ? undefined : this.tree.get(id);
  }
}

function pastAfter(turn: Turn, before: Past | undefined, builder: PromptBuilder): Past {
  const { user, answerText: answer, prompt } = turn;
  if (prompt === undefined) return new Past(before, { user, answer, keep: Number.POSITIVE_INFINITY, added: [] });
  const said = builder.answerSegments({ ids: turn.answerIds, text: answer });
  return new Past(before, { user, answer, keep: prompt.keep, added: [...prompt.segments, ...said] });
}

/** Length of the token history after `head`, counted without a tokenizer: every sampled id counts. */
export function countTokens(tree: TurnTree, head: TurnId | undefined): number {
  for (let id = head; id !== undefined; ) {
    const turn = tree.get(id);
    if (turn?.prompt !== undefined && !isUnanswered(turn)) return turn.prompt.tokens + turn.answerIds.length;
    id = turn?.parent;
  }
  return 0;
}
