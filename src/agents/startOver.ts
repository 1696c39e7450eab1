import { InvalidRequestError } from "../common/errors";
import type { TurnId } from "../protocol/service";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, noFigures, type Turn, type TurnTree } from "./turnTree";

/**
 * For a full context: copies the last `count` answered turns before `head` into a new branch. The copies have no
 * prompt, so the next message's prompt is rendered and encoded from their texts.
 */
export function copyOfLastTurns(
  tree: TurnTree,
  head: TurnId | undefined,
  count: number,
  at: number,
): readonly TurnRecord[] {
  const answered = tree.branch(head).filter((turn) => !isUnanswered(turn));
  if (!Number.isInteger(count) || count < 1 || count > answered.length) {
    throw new InvalidRequestError(
      `${count} turns cannot be kept of ${answered.length}`,
      "keep at least one, and not more than there are",
      { count, turns: answered.length },
    );
  }
  const kept = answered.slice(-count);
  const ids = tree.nextIds(count);
  return kept.flatMap((turn, index) => copyOf(turn, ids[index] ?? "", ids[index - 1], at));
}

function copyOf(turn: Turn, id: TurnId, parent: TurnId | undefined, at: number): readonly TurnRecord[] {
  const { input, thought, answerText: text, raw, calls, answerIds: ids } = turn;
  const end = turn.end ?? { state: "done", finishReason: "aborted", figures: noFigures };
  return [
    { type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }) },
    { type: "answer", turn: id, thought, text, ...(raw === undefined ? {} : { raw }), calls, ids },
    { type: "end", turn: id, ...end },
  ];
}
