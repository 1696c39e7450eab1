/** For a copy of an agent that uses another model. Token ids belong to one model, so only texts are copied. */

import { InvalidRequestError } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import type { TurnId } from "../protocol/service";
import type { Manifest } from "../store/manifest";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, noFigures, type Turn, type TurnTree } from "./turnTree";

/** What an agent's manifest says about what answers it. */
export function modelOf({ modelDirectory, modelName, contextTokens, server = "" }: Manifest) {
  return { modelDirectory, modelName, contextTokens, server };
}

/** Rewinding could lead back to them. */
export function tokensOfAnother({ name, modelDirectory }: Manifest): InvalidRequestError {
  return new InvalidRequestError(
    `${name} has read tokens with the model in ${modelDirectory}, which belong to that model`,
    "make a copy of the agent that uses the other model",
    { model: modelDirectory },
  );
}

const noIds = new Int32Array(0);

/**
 * The answered turns up to `head` as records of a new log. They have neither prompts nor ids: the next message's prompt is
 * rendered and encoded from their texts. Their answers count as whole, because a cut one could only be continued by the
 * model that began it.
 */
export function textsUpTo(tree: TurnTree, head: TurnId | undefined): readonly TurnRecord[] {
  const kept: Turn[] = [];
  /** Results that an answer which is not copied was given: what follows brings them. */
  let given: readonly ChatMessage[] = [];
  for (const turn of tree.branch(head)) {
    const results = turn.input.filter(({ role }) => role === "tool");
    const open = results.length > 0 ? results : given;
    const isCopied = !isUnanswered(turn) && (turn.answerText !== "" || turn.calls.length > 0);
    if (isCopied) kept.push(results.length > 0 ? turn : { ...turn, input: [...given, ...turn.input] });
    given = isCopied ? [] : open;
  }
  return kept.flatMap((turn, index) => textOf(turn, `t${index + 1}`, index === 0 ? undefined : `t${index}`));
}

function textOf(turn: Turn, id: TurnId, parent: TurnId | undefined): readonly TurnRecord[] {
  const { input, summary, createdAt: at, answerText: text, calls } = turn;
  return [
    { type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }), ...(summary && { summary }) },
    { type: "answer", turn: id, text, calls, ids: noIds },
    { type: "end", turn: id, state: "done", finishReason: calls.length > 0 ? "calls" : "stop", figures: noFigures },
  ];
}
