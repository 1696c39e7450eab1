/** For a copy of an agent that uses another model. Token ids belong to one model, so only texts are copied. */
import type { TurnId } from "../protocol/service";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, noFigures, type Turn, type TurnTree } from "./turnTree";

const noIds = new Int32Array(0);

/**
 * The answered turns up to `head` as records of a new log. They have neither prompts nor ids: the next message's prompt is
 * rendered and encoded from their texts. Their answers count as whole, because a cut one could only be continued by the
 * model that began it.
 */
export function textsUpTo(tree: TurnTree, head: TurnId | undefined): readonly TurnRecord[] {
  const turns = tree.branch(head).filter((turn) => !isUnanswered(turn) && turn.answerText !== "");
  return turns.flatMap((turn, index) => textOf(turn, `t${index + 1}`, index === 0 ? undefined : `t${index}`));
}

function textOf(turn: Turn, id: TurnId, parent: TurnId | undefined): readonly TurnRecord[] {
  const { user, createdAt: at, answerText: text } = turn;
  return [
    { type: "turn", turn: id, user, at, ...(parent === undefined ? {} : { parent }) },
    { type: "answer", turn: id, text, ids: noIds },
    { type: "end", turn: id, state: "done", finishReason: "stop", figures: noFigures },
  ];
}
