import { thinkingPairs } from "./thinkingMarks";

/** The marks of a thought as ids of one model's vocabulary. */
export interface ThinkingIds {
  readonly opens: ReadonlySet<number>;
  readonly closes: ReadonlySet<number>;
  /** Of `opens`, those that the name of a channel follows, up to the end of the line. */
  readonly named: ReadonlySet<number>;
  /** Harmony: tokens that begin the header of a message, the one that ends it, and the one that ends the message. */
  readonly headers: ReadonlySet<number>;
  readonly message: number | undefined;
  readonly messageEnd: number | undefined;
}

/** A pair counts only where both of its marks are tokens: otherwise they are text like any other. */
export function thinkingIds(specialOf: (token: string) => number | undefined): ThinkingIds {
  const pairs = thinkingPairs.flatMap(({ open, close }) => {
    const ids = [specialOf(open), specialOf(close)] as const;
    return ids[0] === undefined || ids[1] === undefined
      ? []
      : [{ open: ids[0], close: ids[1], isNamed: open === channel }];
  });
  const [start, harmony, message, end] = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>"].map(specialOf);
  const isHarmony = start !== undefined && harmony !== undefined && message !== undefined && end !== undefined;
  return {
    opens: new Set(pairs.map(({ open }) => open)),
    closes: new Set(pairs.map(({ close }) => close)),
    named: new Set(pairs.filter(({ isNamed }) => isNamed).map(({ open }) => open)),
    headers: new Set(isHarmony ? [start, harmony] : []),
    message: isHarmony ? message : undefined,
    messageEnd: isHarmony ? end : undefined,
  };
}

const channel = "<|channel>";

/**
 * Whether the template has opened the thought: the last mark of the prompt opens one, and stands behind the last token
 * of the turn's structure. (A message may hold marks too.)
 */
export function opensThought(prompt: Int32Array, ids: ThinkingIds, isStructure: (id: number) => boolean): boolean {
  for (let at = prompt.length - 1; at >= 0; at -= 1) {
    const id = prompt[at] ?? -1;
    if (ids.opens.has(id)) return true;
    if (ids.closes.has(id) || isStructure(id)) return false;
  }
  return false;
}
