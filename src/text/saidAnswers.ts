/**
 * Own answers keep their ids. A template writes an answer's calls in its own spelling, which is hardly ever the
 * model's, letter by letter. So where the history holds the answer as it was said, this text stands in the rendering
 * instead of the template's, from where the answer begins in the history to where the template closes the turn. An
 * answer that the history does not hold, or holds in part, is as the template writes it.
 */
import type { AnswerEnds } from "./answerEnds";
import type { Segment } from "./messages";
import { beginsWithThought } from "./thinkingMarks";

/** All texts are marked text. */
export interface SaidAnswer {
  /** All that was said, the thought included. */
  readonly text: string;
  /** What the template is told of the thought; absent: there was none. */
  readonly thought: string | undefined;
  /** The name of the last call; absent: it made none. */
  readonly lastCall: string | undefined;
}

/** An answer's message in a rendering. */
export interface AnswerPlace {
  readonly start: number;
  readonly end: number;
  readonly said: SaidAnswer;
}

export interface Rendering {
  readonly text: string;
  /** In the order of the text; they do not overlap. */
  readonly answers: readonly AnswerPlace[];
}

/** A stretch of a rendering in whose place a segment's text stands. */
export interface Replaced {
  /** Index in the history. */
  readonly segment: number;
  readonly start: number;
  readonly end: number;
}

export interface Followed {
  /** How many segments agree whole, and where the rest of the rendering begins. */
  readonly kept: number;
  readonly at: number;
  readonly replaced: readonly Replaced[];
}

/** Compares a history with a rendering, segment by segment, as far as whole segments agree. */
export function follow({ text, answers }: Rendering, history: readonly Segment[], ends: AnswerEnds): Followed {
  const replaced: Replaced[] = [];
  let at = 0;
  let kept = 0;
  for (const { start, end, said } of answers) {
    while (at < end) {
      const segment = history[kept];
      if (segment === undefined) return { kept, at, replaced };
      const to =
        at >= start && holds(segment, said) ? endOfSaid(text, at, end, said, history[kept + 1], ends) : undefined;
      if (to !== undefined) {
        replaced.push({ segment: kept, start: at, end: to });
        at = to;
        kept += 1;
        break;
      }
      if (!text.startsWith(segment.text, at)) return { kept, at, replaced };
      at += segment.text.length;
      kept += 1;
    }
  }
  for (const segment of history.slice(kept)) {
    if (!text.startsWith(segment.text, at)) break;
    at += segment.text.length;
    kept += 1;
  }
  return { kept, at, replaced };
}

/** The text of a rendering, with the answers as they were said where the history holds them. */
export function withSaid(rendering: Rendering, history: readonly Segment[], ends: AnswerEnds): string {
  if (rendering.answers.length === 0) return rendering.text;
  const parts: string[] = [];
  let copied = 0;
  for (const { segment, start, end } of follow(rendering, history, ends).replaced) {
    parts.push(rendering.text.slice(copied, start), history[segment]?.text ?? "");
    copied = end;
  }
  return copied === 0 ? rendering.text : parts.join("") + rendering.text.slice(copied);
}

export function joinRenderings(first: Rendering, second: Rendering): Rendering {
  if (first.text === "") return { text: second.text, answers: [...first.answers, ...second.answers] };
  const by = first.text.length;
  const moved = second.answers.map(({ start, end, said }) => ({ start: start + by, end: end + by, said }));
  return { text: first.text + second.text, answers: [...first.answers, ...moved] };
}

/** The rendering from `at` on. A place that begins before has a negative start. */
export function renderingFrom({ text, answers }: Rendering, at: number): Rendering {
  const left = answers.filter(({ end }) => end > at);
  return {
    text: text.slice(at),
    answers: left.map(({ start, end, said }) => ({ start: start - at, end: end - at, said })),
  };
}

/** The rendering up to `at`. A template may write results in the place of the answer that called for them. */
export function renderingTo({ text, answers }: Rendering, at: number): Rendering {
  const begun = answers.filter(({ start }) => start < at);
  return { text: text.slice(0, at), answers: begun.map((answer) => ({ ...answer, end: Math.min(answer.end, at) })) };
}

/** The segment may begin with a space that its first token holds. */
function holds({ kind, text }: Segment, said: SaidAnswer): boolean {
  return kind === "answer" && (text === said.text || text === ` ${said.text}`);
}

/** `undefined`: it is not known where the answer ends, or the template leaves the thought out. */
function endOfSaid(
  text: string,
  at: number,
  to: number,
  { thought, lastCall = "" }: SaidAnswer,
  next: Segment | undefined,
  ends: AnswerEnds,
): number | undefined {
  if (thought !== undefined && !beginsWithThought(text, at, thought)) return undefined;
  const end = ends.endOf(text, at, to, next);
  // A template may write several messages for one answer: the calls must be in the stretch.
  return end === undefined || !text.slice(at, end).includes(lastCall) ? undefined : end;
}
