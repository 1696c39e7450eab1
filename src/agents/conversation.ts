/** A branch of turns as messages, and as the segments of text and ids that were really read and said. */
import { commonPrefix } from "../engine/tokenHistory";
import type { TurnId } from "../protocol/service";
import type { BuiltPrompt, ChatMessage, PromptBuilder, Segment } from "../text/prompt";
import { joinIds } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/** The prompt of `turn`: what agrees with the history before it keeps its ids. */
export function buildPrompt(tree: TurnTree, turn: Turn, system: string, builder: PromptBuilder): BuiltPrompt {
  return builder.build(messagesOf(tree, turn, system), historyUpTo(tree, turn.parent, builder));
}

/** What the prompt of the next message behind `head` begins with, of which `draft` is written so far. */
export function promptAhead(
  tree: TurnTree,
  head: TurnId | undefined,
  draft: string,
  system: string,
  builder: PromptBuilder,
): { readonly ids: Int32Array; readonly settledTokens: number } {
  const messages = messagesOf(tree, { ...(head && { parent: head }), user: draft.trim() }, system);
  const { ids, settled } = builder.ahead(messages, historyUpTo(tree, head, builder));
  return { ids, settledTokens: commonPrefix(ids, settled) };
}

function messagesOf(tree: TurnTree, next: Pick<Turn, "parent" | "user">, system: string): readonly ChatMessage[] {
  const messages: ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
  for (const before of tree.branch(next.parent)) {
    if (isUnanswered(before)) continue;
    messages.push({ role: "user", content: before.user }, { role: "assistant", content: before.answerText });
  }
  messages.push({ role: "user", content: next.user });
  return messages;
}

/** The token history after `head` as segments; turns whose prompt was never built add nothing. */
export function historyUpTo(tree: TurnTree, head: TurnId | undefined, builder: PromptBuilder): readonly Segment[] {
  let history: readonly Segment[] = [];
  for (const turn of tree.branch(head)) history = historyAfter(turn, history, builder);
  return history;
}

function historyAfter(turn: Turn, before: readonly Segment[], builder: PromptBuilder): readonly Segment[] {
  if (turn.prompt === undefined || isUnanswered(turn)) return before;
  const answer = builder.answerSegments({ ids: turn.answerIds, text: turn.answerText });
  return [...before.slice(0, turn.prompt.keep), ...turn.prompt.segments, ...answer];
}

/** For each turn, what was read and said up to its end, id by id as the model had it. */
export function readHistories(tree: TurnTree, builder: PromptBuilder): readonly Int32Array[] {
  const after = new Map<TurnId, readonly Segment[]>();
  const read: Int32Array[] = [];
  // A turn comes after its parent.
  for (const turn of tree.all()) {
    const before = (turn.parent === undefined ? undefined : after.get(turn.parent)) ?? [];
    after.set(turn.id, historyAfter(turn, before, builder));
    if (turn.prompt === undefined) continue;
    read.push(joinIds([idsOf(before.slice(0, turn.prompt.keep)), idsOf(turn.prompt.segments), turn.answerIds]));
  }
  return read;
}

/** Token ids that stand for `segments`. */
export function idsOf(segments: readonly Segment[]): Int32Array {
  return joinIds(segments.map((segment) => segment.ids));
}

/** Length of the token history after `head`, counted without a tokenizer: every sampled id counts. */
export function countTokens(tree: TurnTree, head: TurnId | undefined): number {
  const last = tree
    .branch(head)
    .filter((turn) => turn.prompt !== undefined && !isUnanswered(turn))
    .at(-1);
  return last?.prompt === undefined ? 0 : last.prompt.tokens + last.answerIds.length;
}
