/** How progress and new text change a turn. Pure, and the same for the chat and the room. */
import type { PageTurn, RunProgress, TextDelta } from "../../protocol/page";
import { withCalls } from "../../protocol/turnSteps";

export function withProgress(turn: PageTurn, progress: RunProgress): PageTurn {
  return turn.state === "running" && isSilent(turn) ? { ...turn, progress } : turn;
}

/** Nothing has come of its answer. */
export function isSilent({ answer, thought, calls, dropped }: PageTurn): boolean {
  return answer === "" && thought === undefined && calls === undefined && dropped === undefined;
}

/**
 * The turn with the delta's text appended. What it already has of it is dropped, so that a snapshot taken between two
 * deltas does no harm; `undefined` when text before the delta is missing.
 */
export function withText(turn: PageTurn, delta: TextDelta): PageTurn | undefined {
  const answer = grown(turn.answer, delta);
  const thought = delta.thought === undefined ? turn.thought : grown(turn.thought ?? "", delta.thought);
  if (answer === undefined || (delta.thought !== undefined && thought === undefined)) return undefined;
  const { progress: _, ...rest } = turn;
  const calls = withCalls(turn.calls, delta.calls);
  return {
    ...{ ...rest, answer, figures: delta.figures },
    ...(thought === undefined ? {} : { thought }),
    ...(calls === undefined ? {} : { calls }),
    ...(delta.dropped === undefined ? {} : { dropped: delta.dropped }),
  };
}

function grown(text: string, news: { readonly offset: number; readonly text: string }): string | undefined {
  return news.offset > text.length ? undefined : text + news.text.slice(text.length - news.offset);
}
