import type { ReferenceAnswer } from "./reference";

export interface OwnAnswer {
  readonly promptTokens: number;
  /** A stop id included. */
  readonly tokenIds: readonly number[];
  readonly finishReason: string;
  readonly text: string;
}

/**
 * `tie`: the ids differ first where the reference's two best logits are so close that the order of a sum decides. The
 * ids after it are not compared. `tokens` is the number of equal ids before it.
 */
export type Comparison =
  | { readonly outcome: "identical"; readonly tokens: number; readonly smallestGap: number }
  | { readonly outcome: "tie"; readonly tokens: number; readonly smallestGap: number }
  | { readonly outcome: "different"; readonly tokens: number; readonly reason: string };

/** Logits closer than this are a tie: f32 sums in another order move them by some 1e-5. */
const tieGap = 1e-3;

export function compareAnswers(ours: OwnAnswer, reference: ReferenceAnswer): Comparison {
  if (ours.promptTokens !== reference.promptTokens) {
    return different(0, `the prompt has ${ours.promptTokens} tokens, in the reference ${reference.promptTokens}`);
  }
  const tokens = commonLength(ours.tokenIds, reference.tokenIds);
  const [own, theirs] = [ours.tokenIds[tokens], reference.tokenIds[tokens]];
  if (own !== undefined || theirs !== undefined) {
    const gap = reference.gaps[tokens];
    if (own !== undefined && theirs !== undefined && gap !== undefined && gap < tieGap) {
      return { outcome: "tie", tokens, smallestGap: gap };
    }
    const at = gap === undefined ? "" : ` at a gap of ${gap.toPrecision(3)}`;
    return different(tokens, `token ${tokens} is ${own ?? "missing"}, in the reference ${theirs ?? "missing"}${at}`);
  }
  const problem = endProblem(ours, reference);
  if (problem !== undefined) return different(tokens, problem);
  return { outcome: "identical", tokens, smallestGap: Math.min(...reference.gaps) };
}

/** The ids are equal: compares how the answers end, and their texts. */
function endProblem(ours: OwnAnswer, reference: ReferenceAnswer): string | undefined {
  const { text } = ours;
  if (ours.finishReason !== reference.finishReason) {
    return `it ended by ${ours.finishReason}, the reference by ${reference.finishReason}`;
  }
  if (text !== reference.decoded) return `the text is not the decoded ids': ${quoted(text, reference.decoded)}`;
  // mlx_lm.generate drops the first space of an answer, unless the tokenizer's decoder keeps it, as Gemma's does.
  const trimmed = text.startsWith(" ") ? text.slice(1) : text;
  if (trimmed !== reference.generated && text !== reference.generated) {
    return `the text is not mlx_lm.generate's: ${quoted(trimmed, reference.generated)}`;
  }
  return undefined;
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const parting = a.findIndex((id, i) => id !== b[i]);
  return parting === -1 ? a.length : parting;
}

function different(tokens: number, reason: string): Comparison {
  return { outcome: "different", tokens, reason };
}

const quoted = (ours: string, theirs: string) => `${JSON.stringify(ours)} and ${JSON.stringify(theirs)}`;
