import type { ErrorInfo } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { ActionId, Problem } from "../../protocol/page";
import type { DraftSize } from "../../protocol/service";
import { problemOf } from "./errorText";

/** What is known of a message that did not fit the context, beside its failure. */
export interface RefusedMessage {
  /** Absent: it could not be measured. */
  readonly size: DraftSize | undefined;
  /** Of the conversation that it was sent to. */
  readonly turnCount: number;
  readonly historyTokens: number;
  /** BCP 47 tag of the display language. */
  readonly language: string;
}

const messageBack = "Nothing was read. The conversation is as it was, and your message is below.";

/**
 * A message that does not fit, with the buttons that help: none where it would not fit an empty conversation either, and
 * none that leaves turns out where there are not two of them.
 */
export function contextFullProblem(error: ErrorInfo, refused: RefusedMessage): Problem {
  const { size, turnCount, historyTokens, language } = refused;
  const { count } = createFormats(language);
  const ways: readonly ActionId[] =
    turnCount >= 2 ? ["rewind", "newAgentAlike", "keepLastTurns"] : ["rewind", "newAgentAlike"];
  if (size === undefined) {
    return problemOf(error, { language, kept: messageBack, actions: turnCount === 0 ? [] : ways });
  }
  const { draftTokens, contextTokens } = size;
  const tokens = count(draftTokens);
  const room = count(roomFor(size));
  if (isTooLongAlone(size, turnCount, historyTokens)) {
    const what = `the message is too long for this model: ${tokens} tokens, and there is room for ${room}`;
    return {
      error: { ...error, what, advice: `shorten it to ${room} tokens` },
      kept: messageBack,
      actions: [],
    };
  }
  const what = `the message has ${tokens} tokens and there is room for ${room}: the conversation holds ${count(historyTokens)} of ${count(contextTokens)}`;
  const problem = problemOf(error, { language, kept: messageBack, actions: ways });
  return { ...problem, error: { ...error, what } };
}

/** The longest message that still leaves a token for the answer. */
function roomFor({ draftTokens, promptTokens, contextTokens }: DraftSize): number {
  return Math.max(0, contextTokens - 1 - (promptTokens - draftTokens));
}

/** What the template adds to the message counts; instructions are in the history. */
function isTooLongAlone({ promptTokens, contextTokens }: DraftSize, turnCount: number, historyTokens: number): boolean {
  return turnCount === 0 || promptTokens - historyTokens >= contextTokens;
}
