import { InvalidRequestError } from "../common/errors";
import type { TurnId } from "../protocol/service";
import { isStep } from "./turnInput";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, noFigures, type Turn, type TurnTree } from "./turnTree";

/**
 * For a full context: copies the last `count` answered turns before `head` into a new branch, each with all its steps.
 * The copies have no prompt, so the next message's prompt is rendered and encoded from their texts.
 */
export function copyOfLastTurns(
  tree: TurnTree,
  head: TurnId | undefined,
  count: number,
  at: number,
): readonly TurnRecord[] {
  const answered = answeredTurns(tree, head);
  if (!Number.isInteger(count) || count < 1 || count > answered.length) {
    throw new InvalidRequestError(
      `${count} turns cannot be kept of ${answered.length}`,
      "keep at least one, and not more than there are",
      { count, turns: answered.length },
    );
  }
  const kept = answered.slice(-count).flat();
  return copiesBehind(kept, tree.nextIds(kept.length), undefined, at);
}

/** Copies of `turns`, which follow each other, under the ids `ids` and behind `parent`. */
export function copiesBehind(
  turns: readonly Turn[],
  ids: readonly TurnId[],
  parent: TurnId | undefined,
  at: number,
): readonly TurnRecord[] {
  return turns.flatMap((turn, index) =>
    copyOf(index === 0 ? begun(turn) : turn, ids[index] ?? "", ids[index - 1] ?? parent, at),
  );
}

/** The answered nodes of each turn. A step belongs to the turn whose calls it has the results of. */
export function answeredTurns(tree: TurnTree, head: TurnId | undefined): readonly (readonly Turn[])[] {
  const turns: Turn[][] = [];
  for (const turn of tree.branch(head)) {
    if (isUnanswered(turn)) continue;
    const last = turns.at(-1);
    if (last !== undefined && isStep(turn)) last.push(turn);
    else turns.push([turn]);
  }
  return turns;
}

/** A message that came while calls waited has their results too: without the calls they mean nothing. */
function begun(turn: Turn): Turn {
  const said = turn.input.filter(({ role }) => role !== "tool");
  return said.length === turn.input.length || said.length === 0 ? turn : { ...turn, input: said };
}

function copyOf(turn: Turn, id: TurnId, parent: TurnId | undefined, at: number): readonly TurnRecord[] {
  const { input, summary, thought, answerText: text, raw, calls, answerIds: ids } = turn;
  const end = turn.end ?? { state: "done", finishReason: "aborted", figures: noFigures };
  return [
    { type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }), ...(summary && { summary }) },
    { type: "answer", turn: id, thought, text, ...(raw === undefined ? {} : { raw }), calls, ids },
    { type: "end", turn: id, ...end },
  ];
}
