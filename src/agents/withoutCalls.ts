import type { TokenId } from "../engine/ports";
import { type AskedConstraint, answerTools } from "../text/tools/modelConstraint";
import type { ResolvedSampling } from "./sampling";

/** Enough to keep any token from being sampled. */
const never = -10_000;

/**
 * An answer that may not call the tools that its prompt declares opens no call: it would stand in the text as marks and JSON.
 * `openers`: the ids of the marks that open one.
 */
export function withoutCalls(
  sampling: ResolvedSampling,
  asked: AskedConstraint,
  openers: readonly TokenId[],
): ResolvedSampling {
  const { tools, mode } = answerTools(asked);
  if (mode !== "none" || tools.length === 0 || openers.length === 0) return sampling;
  const banned = Object.fromEntries(openers.map((id) => [id, never]));
  return { ...sampling, logitBias: { ...sampling.logitBias, ...banned } };
}
