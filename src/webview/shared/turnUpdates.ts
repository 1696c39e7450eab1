/** How progress and new text change a turn. Pure, and the same for the chat and the room. */
import type { PageTurn, RunProgress, TextDelta } from "../../protocol/page";

export function withProgress(turn: PageTurn, progress: RunProgress): PageTurn {
  return turn.state === "running" && turn.answer === "" ? { ...turn, progress } : turn;
}

/**
 * The turn with the delta's text appended. What it already has of it is dropped, so that a snapshot taken between two
 * deltas does no harm; `undefined` when text before the delta is missing.
 */
export function withText(turn: PageTurn, delta: TextDelta): PageTurn | undefined {
  if (delta.offset > turn.answer.length) return undefined;
  const text = delta.text.slice(turn.answer.length - delta.offset);
  const { progress: _, ...rest } = turn;
  return { ...rest, answer: turn.answer + text, figures: delta.figures };
}
