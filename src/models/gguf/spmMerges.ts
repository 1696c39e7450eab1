import { TokenType } from "./tokenTypes";

/** A SentencePiece vocabulary of the kind BPE, in ids' order. */
export interface Pieces {
  readonly tokens: readonly string[];
  readonly scores: readonly number[];
  readonly types: readonly number[];
}

interface Merge {
  readonly left: string;
  readonly right: string;
  readonly score: number;
}

/**
 * The merges that give SentencePiece's cuts: it joins the two neighbours whose piece has the best score, so every way to make
 * a piece of two others becomes a merge, the best pieces first. As `generate_merges` of Hugging Face's converters. Runs of
 * white space that the vocabulary defines by hand are cut out before all others.
 */
export function mergesOf({ tokens, scores, types }: Pieces): readonly string[] {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) if (joins(token, types[id])) ids.set(token, id);
  const merges: Merge[] = [];
  for (const [token, id] of ids) {
    const score = types[id] === TokenType.UserDefined ? Number.POSITIVE_INFINITY : (scores[id] ?? 0);
    const own: Merge[] = [];
    for (let cut = 1; cut < token.length; cut++) {
      const [left, right] = [token.slice(0, cut), token.slice(cut)];
      if (ids.has(left) && ids.has(right)) own.push({ left, right, score });
    }
    const idOf = (text: string) => ids.get(text) ?? 0;
    merges.push(...own.sort((a, b) => idOf(a.left) - idOf(b.left) || idOf(a.right) - idOf(b.right)));
  }
  // Equal infinities have no difference: they keep the order of their ids.
  const better = (a: Merge, b: Merge) => (a.score === b.score ? 0 : b.score - a.score);
  merges.sort(
    (a, b) =>
      better(a, b) || (Number.isFinite(a.score) ? b.left.length - a.left.length || b.right.length - a.right.length : 0),
  );
  return merges.map(({ left, right }) => `${left} ${right}`);
}

/** Control tokens and bytes are never made of others; neither are words that stand for themselves. */
function joins(token: string, type: number | undefined): boolean {
  if (type === TokenType.UserDefined) return isBlank(token);
  return type !== TokenType.Control && type !== TokenType.Byte && type !== TokenType.Unknown && !token.includes(" ");
}

/** Nothing but white space, written as SentencePiece writes it. */
export function isBlank(token: string): boolean {
  return /^[▁\s]+$/u.test(token);
}
