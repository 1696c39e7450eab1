import type { ErrorInfo } from "../../common/errors";
import type { ActionId, Problem } from "../../protocol/page";
import { problemOf } from "./errorText";

const messageBack = "Nothing was read. The conversation is as it was, and your message is below.";

/**
 * A message that does not fit, with the buttons that help: none where it would not fit an empty conversation either, and
 * none that leaves turns out where there are not two of them.
 */
export function contextFullProblem(error: ErrorInfo, turnCount: number, language: string): Problem {
  const back: readonly ActionId[] = turnCount > 0 ? ["rewind", "newAgentAlike"] : [];
  const ways: readonly ActionId[] = turnCount > 1 ? [...back, "keepLastTurns"] : back;
  const actions = error.facts["cause"] === "message" ? [] : ways;
  return problemOf(error, { language, kept: messageBack, actions });
}
