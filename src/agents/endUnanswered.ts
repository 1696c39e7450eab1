import { AbortedError } from "../common/errors";
import type { RunningAnswer } from "./runningAnswer";
import { noFigures } from "./turnTree";

/** Ends an answer whose work failed. One that the person has stopped did not fail: nothing was said. */
export function endUnanswered(answer: RunningAnswer, error: unknown): void {
  const isStopped = error instanceof AbortedError && answer.signal.aborted;
  if (!isStopped) answer.fail(error);
  else answer.finish({ type: "done", text: "", tokenIds: [], finishReason: "aborted", figures: noFigures });
}
