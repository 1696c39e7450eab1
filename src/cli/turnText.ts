import { linesText } from "../common/attachments";
import { visiblePath } from "../common/visiblePath";
import type { TurnView } from "../protocol/service";
import { callText, droppedText } from "./answerPrinter";

/** A turn or a step of one: what was asked or what its calls gave, then the answer with its own calls. */
export function turnText({
  user,
  attachments = [],
  results = [],
  thought,
  answer,
  calls = [],
  dropped,
  state,
  finishReason,
}: TurnView): string {
  const lines = [
    ...results.map(({ call, text, failed }) => `[result ${call}${failed === true ? ", failed" : ""}] ${text}`),
    ...attachments.map(({ path, range, length }) => `[${visiblePath(path)}${linesText(range)}, ${length} characters]`),
    ...(user !== "" || (results.length === 0 && attachments.length === 0) ? [`> ${user}`] : []),
    ...(thought === undefined ? [] : [`[thought] ${thought}`, ""]),
    ...(answer !== "" || calls.length === 0 ? [answer] : []),
    ...calls.map(callText),
    ...(dropped === undefined ? [] : [`[${droppedText(dropped)}]`]),
    `(${state === "done" ? (finishReason ?? "") : state})`,
  ];
  return `${lines.join("\n")}\n`;
}
