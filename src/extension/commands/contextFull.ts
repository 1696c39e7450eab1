import type { ErrorInfo } from "../../common/errors";
import type { ActionId, Problem } from "../../protocol/page";
import { problemOf } from "./errorText";

const unchanged = "Nothing was read. The conversation is as it was";

export interface Refused {
  readonly turnCount: number;
  /** The message is in the field again, below the problem; an answer that was to be made again has none. */
  readonly isBelow: boolean;
}

/**
 * A message that does not fit, with the buttons that help: none where it would not fit an empty conversation either, and
 * none that leaves turns out where there are not two of them.
 */
export function contextFullProblem(error: ErrorInfo, { turnCount, isBelow }: Refused, language: string): Problem {
  const back: readonly ActionId[] = turnCount > 0 ? ["rewind", "newAgentAlike"] : [];
  const ways: readonly ActionId[] = turnCount > 1 ? [...back, "keepLastTurns"] : back;
  const { cause } = error.facts;
  const actions = cause === "message" || cause === "instructions" ? [] : ways;
  return problemOf(error, {
    language,
    kept: isBelow ? `${unchanged}, and your message is below.` : `${unchanged}.`,
    actions,
  });
}
