/** Continuing a cut answer: which turn can be continued, copying a turn, and decoding across the cut. */
import { InvalidRequestError } from "../common/errors";
import type { TokenId } from "../engine/ports";
import type { AgentServer, TurnId } from "../protocol/service";
import type { SaidPiece } from "../text/thinkingSplitter";
import type { AnswerDecoder } from "./ports";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, type Turn, type TurnTree } from "./turnTree";

/** The turn at `head`, if its answer was cut. Throws INVALID_REQUEST otherwise. */
export function cutTurn(tree: TurnTree, head: TurnId | undefined, name: string): Turn {
  const turn = head === undefined ? undefined : tree.get(head);
  if (turn === undefined) throw new InvalidRequestError(`${name} has no answer to continue`, "send a message first");
  if (turn.end?.state === "done" && (turn.end.finishReason === "stop" || turn.end.finishReason === "calls")) {
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

/**
 * Throws INVALID_REQUEST where the cut answer was begun by another engine than the one that would go on with it: a server has
 * no tokens, and a model here goes on from tokens alone.
 */
export function assertContinuable(turn: Turn, server: AgentServer | undefined): void {
  const isOurs = turn.answerIds.length > 0;
  if (server !== undefined ? !isOurs && turn.answerText !== "" : isOurs || turn.answerText === "") return;
  throw new InvalidRequestError(
    server === undefined || !isOurs
      ? "a server began this answer and only it can go on with it, from its text"
      : "a model on this machine began this answer: a server cannot go on with it",
    "answer again",
    { turn: turn.id },
  );
}

/** A copy of a cut turn, as its sibling and without an end. Turns that follow the original keep their history. */
export function openCopyOf(turn: Turn, id: TurnId, at: number) {
  const { parent, input, prompt, thought, answerText, raw, calls, answerIds } = turn;
  const records: TurnRecord[] = [{ type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }) }];
  if (prompt !== undefined) records.push({ type: "prompt", turn: id, ...prompt });
  if (answerIds.length > 0 || answerText !== "") {
    records.push({
      type: "answer",
      turn: id,
      thought,
      text: answerText,
      ...(raw === undefined ? {} : { raw }),
      calls,
      ids: answerIds,
    });
  }
  return records;
}

/**
 * Replays the ids of the answer so far (`said`) into `decoder`, so that an incomplete character or stop string at the
 * cut is completed by the next ids. What was shown before (`shown`), said and called is not returned again.
 */
export function decoderBehind(
  decoder: AnswerDecoder,
  said: Int32Array,
  shown: Pick<Turn, "thought" | "answerText"> & Partial<Pick<Turn, "raw" | "calls">>,
): AnswerDecoder {
  let hidden = 0;
  let released = 0;
  let releasedRaw = 0;
  let called = 0;
  for (const id of said) {
    const piece = decoder.push(id);
    hidden += piece.hidden.length;
    released += piece.text.length;
    releasedRaw += (piece.raw ?? piece.text).length;
    called += piece.calls?.length ?? 0;
  }
  // Earlier versions stored the thought in the answer's text: there it goes on.
  const thoughtIsText = hidden > 0 && shown.thought === "";
  if (thoughtIsText) {
    released += hidden;
    releasedRaw += hidden;
  }
  // At a cut, what was held back for a possible stop string or call is shown or said, and a call may end with the cut.
  let ahead = Math.max(0, shown.answerText.length - released);
  let aheadRaw = Math.max(0, (shown.raw ?? shown.answerText).length - releasedRaw);
  let calledAhead = Math.max(0, (shown.calls?.length ?? 0) - called);
  const unseen = (piece: SaidPiece): SaidPiece => {
    const text = thoughtIsText ? piece.hidden + piece.text : piece.text;
    const seen = Math.min(ahead, text.length);
    ahead -= seen;
    const { raw = piece.text, calls = [], dropped } = piece;
    const said = thoughtIsText ? piece.hidden + raw : raw;
    const seenRaw = Math.min(aheadRaw, said.length);
    aheadRaw -= seenRaw;
    const seenCalls = Math.min(calledAhead, calls.length);
    calledAhead -= seenCalls;
    const rest = { text: text.slice(seen), raw: said.slice(seenRaw), calls: calls.slice(seenCalls) };
    return {
      text: rest.text,
      hidden: thoughtIsText ? "" : piece.hidden,
      thought: thoughtIsText ? "" : piece.thought,
      ...(rest.raw === rest.text ? {} : { raw: rest.raw }),
      ...(rest.calls.length === 0 ? {} : { calls: rest.calls }),
      ...(dropped === undefined ? {} : { dropped }),
    };
  };
  return {
    push: (id: TokenId) => {
      const piece = decoder.push(id);
      return { ...unseen(piece), stopped: piece.stopped };
    },
    finish: (isCut, mayGoOn) => unseen(decoder.finish(isCut, mayGoOn)),
  };
}
