/** Going on with an answer that was cut: who may, from where, and how its text goes on across the seam. */
import { InvalidRequestError } from "../common/errors";
import type { TokenId } from "../engine/ports";
import type { TurnId } from "../protocol/service";
import type { AnswerDecoder } from "./ports";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/** The turn at `head`, if its answer was cut. Throws INVALID_REQUEST where nothing can be continued. */
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

/** A copy of a cut turn beside it, its answer open: what follows the turn keeps what it followed. */
export function openCopyOf({ parent, user, prompt, answerText, answerIds }: Turn, id: TurnId, at: number) {
  const records: TurnRecord[] = [{ type: "turn", turn: id, user, at, ...(parent === undefined ? {} : { parent }) }];
  if (prompt !== undefined) records.push({ type: "prompt", turn: id, ...prompt });
  if (answerIds.length > 0 || answerText !== "") {
    records.push({ type: "answer", turn: id, text: answerText, ids: answerIds });
  }
  return records;
}

/**
 * `decoder` as it is behind `said`, of which `shown` was shown: what it holds back of a character or of a stop string goes
 * on, and nothing is shown twice.
 */
export function decoderBehind(decoder: AnswerDecoder, said: Int32Array, shown: string): AnswerDecoder {
  let released = 0;
  for (const id of said) released += decoder.push(id).text.length;
  // Where an answer is cut, what is held back for a stop string is shown.
  let ahead = Math.max(0, shown.length - released);
  const unseen = (text: string): string => {
    const seen = Math.min(ahead, text.length);
    ahead -= seen;
    return text.slice(seen);
  };
  return {
    push: (id: TokenId) => {
      const { text, stopped } = decoder.push(id);
      return { text: unseen(text), stopped };
    },
    finish: (isCut) => unseen(decoder.finish(isCut)),
  };
}
