/** What a model is asked for when a conversation is compacted, and how its summary stands in the conversation afterwards. */
import { createFormats } from "../common/format";
import type { SummaryMark } from "../protocol/service";

/** English has about so many words for each token; the rest is room for names and paths. */
const wordsPerToken = 0.6;

const { count } = createFormats("en");

/** The message that asks for a summary of at most about `tokens` tokens. */
export function summaryRequest(tokens: number): string {
  return [
    "Summarise our conversation so far: it will go on from your summary and its last messages.",
    "Say what I want, what was decided, what was done and found (files by their paths, commands and how they ended), and what",
    "is still open. Keep names, paths, numbers and short pieces of code as they are.",
    `Write only the summary, at most ${Math.max(10, Math.floor(tokens * wordsPerToken))} words.`,
  ].join(" ");
}

/** The message that stands for the earlier turns. It says what it is, so that nobody takes it for a person's request. */
export function summaryMessage(summary: string, isCut: boolean, { leftOut = 0 }: SummaryMark): string {
  const missing =
    leftOut === 0
      ? []
      : [
          leftOut === 1
            ? "[The last turn before the next message did not fit: the summary says nothing or not all of it.]"
            : `[The last ${count(leftOut)} turns before the next message did not fit: the summary says nothing or not all of them.]`,
        ];
  return [
    "[A summary of our conversation up to here. It is a record, not a request.]",
    summary + (isCut ? " …" : ""),
    ...missing,
  ].join("\n\n");
}

/** Templates want an answer behind each message. */
export const summaryAnswer = "I have read the summary.";
