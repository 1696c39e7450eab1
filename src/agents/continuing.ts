/** Continuing a cut answer: which turn can be continued, copying a turn, and decoding across the cut. */
import { InvalidRequestError } from "../common/errors";
import type { TokenId } from "../engine/ports";
import type { TurnId } from "../protocol/service";
import type { AnswerDecoder } from "./ports";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/** The turn at `head`, if its answer was cut. Throws INVALID_REQUEST otherwise. */
export function cutTurn(tree: TurnTree, head: TurnId | undefined, name: string): Turn {
  const turn = head === undefined ? undefined : tree.get(head);
  if (turn === undefined) throw new InvalidRequestError(`${name} has no answer to continue`, "send a message first");
  if (turn.end?.state === "done" && turn.end.finishReason === "stop") {
    throw new InvalidRequestError(
      "the answer ended by itself: there is nothing to continue",
      "send a message, or answer again",
      { turn: turn.id },
    );
  }
  if (isUnanswered(turn)) {
    throw new InvalidRequestError("the turn has no answer that could be continued", "send the message again", {
      turn: turn.id,
    });
  }
  return turn;
}

/** A copy of a cut turn, as its sibling and without an end. Turns that follow the original keep their history. */
export function openCopyOf({ parent, user, prompt, thought, answerText, answerIds }: Turn, id: TurnId, at: number) {
  const records: TurnRecord[] = [{ type: "turn", turn: id, user, at, ...(parent === undefined ? {} : { parent }) }];
  if (prompt !== undefined) records.push({ type: "prompt", turn: id, ...prompt });
  if (answerIds.length > 0 || answerText !== "") {
    records.push({ type: "answer", turn: id, thought, text: answerText, ids: answerIds });
  }
  return records;
}

/**
 * Replays the ids of the answer so far (`said`) into `decoder`, so that an incomplete character or stop string at the
 * cut is completed by the next ids. Text that was shown before (`shown`) is not returned again.
 */
export function decoderBehind(decoder: AnswerDecoder, said: Int32Array, shown: string): AnswerDecoder {
  let released = 0;
  for (const id of said) released += decoder.push(id).text.length;
  // At a cut, text that was held back for a possible stop string is shown.
  let ahead = Math.max(0, shown.length - released);
  const unseen = (text: string): string => {
    const seen = Math.min(ahead, text.length);
    ahead -= seen;
    return text.slice(seen);
  };
  return {
    push: (id: TokenId) => {
      const piece = decoder.push(id);
      return { ...piece, text: unseen(piece.text) };
    },
    finish: (isCut) => {
      const piece = decoder.finish(isCut);
      return { ...piece, text: unseen(piece.text) };
    },
  };
}
