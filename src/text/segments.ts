import type { SpecialTokens } from "./markedText";
import type { Segment } from "./messages";

export interface Agreed {
  /** The part of the history that is kept: whole segments, and at most one cut prompt segment at the end. */
  readonly segments: readonly Segment[];
  /** How many of them are history segments unchanged. */
  readonly unchanged: number;
  /** Length of their text, a prefix of the rendering. */
  readonly textLength: number;
}

/** How a segment is cut. */
export interface Cutting {
  readonly specials: SpecialTokens;
  /** The longest beginning of an answer's own ids whose text is a prefix of `agreed`, which is marked text. */
  readonly answer: (ids: Int32Array, agreed: string) => Segment;
}

/**
 * Compares the history with a new rendering as text. Segments that agree whole are kept; the first that does not is cut.
 * A prompt is cut after its last agreeing control token, where encoding can resume. An answer keeps the ids that the
 * model said, as far as they agree: a template that trims it must not cost the history its ids.
 */
export function keepAgreed(history: readonly Segment[], rendering: string, cutting: Cutting): Agreed {
  let textLength = 0;
  for (const [i, segment] of history.entries()) {
    if (rendering.startsWith(segment.text, textLength)) {
      textLength += segment.text.length;
      continue;
    }
    const kept = history.slice(0, i);
    const cut = cutSegment(segment, rendering.slice(textLength), cutting);
    if (cut === undefined) return { segments: kept, unchanged: i, textLength };
    return { segments: [...kept, cut], unchanged: i, textLength: textLength + cut.text.length };
  }
  return { segments: history, unchanged: history.length, textLength };
}

function cutSegment(segment: Segment, rendering: string, { specials, answer }: Cutting): Segment | undefined {
  if (segment.kind === "prompt") return cutAtSpecial(segment, rendering, specials);
  const agreed = segment.text.slice(0, commonLength(segment.text, rendering));
  const cut = answer(segment.ids, agreed);
  return cut.text !== "" && agreed.startsWith(cut.text) ? cut : undefined;
}

/** The beginning of `segment` that agrees with `rendering`, up to and including its last control token there. */
function cutAtSpecial(segment: Segment, rendering: string, specials: SpecialTokens): Segment | undefined {
  const agreed = commonLength(segment.text, rendering);
  let cut: Segment | undefined;
  let ids = 0;
  for (const stretch of specials.split(segment.text)) {
    if (stretch.kind === "plain") continue;
    if (stretch.end > agreed) break;
    // Plain stretches hold no special ids, so the next one in the ids is this one.
    const at = segment.ids.indexOf(stretch.token.id, ids);
    if (at < 0) break;
    ids = at + 1;
    if (!stretch.token.stripsRight) {
      cut = { kind: "prompt", text: segment.text.slice(0, stretch.end), ids: segment.ids.subarray(0, ids) };
    }
  }
  return cut;
}

function commonLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}
