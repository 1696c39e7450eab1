import { type Formats, plural } from "../../common/format";
import type { DroppedCall } from "../../common/tools";
import type { GenerationEvent } from "../../protocol/service";

type Done = Extract<GenerationEvent, { type: "done" }>;

/**
 * What is said in place of an answer that has neither text nor a call, and after one whose call was not made: without
 * it the chat says nothing at all, or stops without a reason. `undefined`: the answer speaks for itself.
 */
export function missingAnswer(done: Done, formats: Formats): string | undefined {
  const { calls = [], dropped, figures, finishReason, text, thought = "" } = done;
  if (dropped !== undefined) return droppedText(dropped, finishReason === "length", formats, figures.generatedTokens);
  if (calls.length > 0 || text.trim() !== "") return undefined;
  if (finishReason === "aborted") return "The answer was stopped before it began.";
  if (finishReason === "length") {
    const tokens = plural(figures.generatedTokens, "token", formats);
    return thought === ""
      ? `The answer's limit of ${tokens} was reached before there was any text.`
      : `The model thought for ${tokens} and reached the answer's limit before it answered. Ask for less at once, or raise "Answers: Max Tokens" in Resident's settings.`;
  }
  if (thought !== "") return "The model only thought, and gave no answer. Ask again, or in other words.";
  return "The model gave an empty answer. Ask again, or in other words.";
}

function droppedText({ reason, name }: DroppedCall, isFull: boolean, formats: Formats, tokens: number): string {
  const call = name === undefined ? "a tool" : `the tool ${name}`;
  switch (reason) {
    case "cut":
      return isFull
        ? `The model was calling ${call} when the answer's limit was reached, after ${plural(tokens, "token", formats)}: the call was not made.`
        : `The model was calling ${call} when its answer ended: the call was not made.`;
    case "malformed":
      return `The model called ${call} with arguments that cannot be read: the call was not made.`;
    case "unknown":
      return `The model called ${call}, which it was not offered: the call was not made.`;
  }
}
