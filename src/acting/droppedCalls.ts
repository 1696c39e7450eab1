/** What a model is told of a call that it began and that was not made. Nothing of it was done: half a file is never written. */
import type { DroppedCall } from "../common/tools";
import { noteMark } from "../protocol/toolNames";

const shownLength = 300;

/** One paragraph that begins with who says it: it may stand in the place of a person's message. */
export function teaching({ reason, name, text }: DroppedCall, toolNames: readonly string[]): string {
  const tool = name === undefined || name === "" ? "a tool" : name.slice(0, 64);
  return `${noteMark} ${words(reason, tool, text, toolNames)}`;
}

function words(reason: DroppedCall["reason"], tool: string, text: string, toolNames: readonly string[]): string {
  switch (reason) {
    case "cut":
      return `The answer reached its longest length inside a call of ${tool}, so the call was not made and nothing was changed. Make it again with less text: change a part with edit_file, or write the file in several steps.`;
    case "malformed":
      return `A call of ${tool} could not be read, so it was not made. It began with: ${text.slice(0, shownLength)}\nMake it again in the form that you were told.`;
    case "unknown":
      return `There is no tool ${tool}, so nothing was done. The tools are: ${toolNames.join(", ")}.`;
  }
}
