import { type Formats, plural } from "../../common/format";
import { modelLabel } from "../../protocol/modelLabel";
import type { AgentDetail, TurnView, UntoldCount } from "../../protocol/service";
import { closedMarkdown, quoted } from "./markdownSafety";

export interface MarkdownOptions {
  readonly formats: Formats;
  /** A line under each answer with what was reused, prefilled and generated. */
  readonly figures: boolean;
}

type Conversation = Pick<AgentDetail, "name" | "modelName" | "server" | "system" | "turns">;

/** The branch at the head as a document: messages are quotations, answers stand as they are. */
export function conversationMarkdown(
  { name, system, turns, ...model }: Conversation,
  options: MarkdownOptions,
): string {
  const { formats } = options;
  const head = [
    `# ${oneLine(name)}`,
    `Model: ${oneLine(modelLabel(model))}. ${plural(turns.length, "turn", formats)}.`,
  ];
  const instructions = system.trim() === "" ? [] : ["## Instructions", quoted(system.trim())];
  const body = turns.flatMap((turn, index) => turnParts(turn, index + 1, options));
  return `${[...head, ...instructions, ...body].join("\n\n")}\n`;
}

function turnParts(turn: TurnView, number: number, { formats, figures }: MarkdownOptions): readonly string[] {
  const answer = turn.answer.trim();
  const note = endingNote(turn);
  return [
    `## Turn ${formats.count(number)}`,
    quoted(turn.user),
    ...(turn.thought ? [thoughtDetails(turn.thought)] : []),
    ...(answer === "" ? [] : [closedMarkdown(answer)]),
    ...(note === undefined ? [] : [`*${note}*`]),
    ...(figures && turn.figures ? [`*${figuresLine(turn.figures, formats)}*`] : []),
  ];
}

const foldTag = /<(?=\/?(?:details|summary)\b)/gi;

/** Folded in every viewer that knows HTML; its text is a quotation without HTML that could end the fold. */
function thoughtDetails(thought: string): string {
  const text = closedMarkdown(thought).replace(foldTag, "\\<");
  return ["<details><summary>Thought</summary>", quoted(text), "</details>"].join("\n\n");
}

/** How the answer ended, where it did not end by itself. */
function endingNote({ state, finishReason, answer, error }: TurnView): string | undefined {
  switch (state) {
    case "running":
      return "The answer was being written.";
    case "interrupted":
      return "The answer was interrupted.";
    case "failed":
      return `No answer: ${oneLine(error?.what ?? "it failed")}.`;
    case "done":
      if (finishReason === "aborted")
        return answer === "" ? "Stopped before the answer began." : "The answer was stopped.";
      return finishReason === "length" ? "The answer reached its limit." : undefined;
  }
}

function figuresLine(figures: NonNullable<TurnView["figures"]>, formats: Formats): string {
  const told = (count: UntoldCount) => figures.untold?.includes(count) !== true;
  return [
    ...(told("reused") ? [`${formats.count(figures.reusedTokens)} tokens reused`] : []),
    ...(told("prompt") ? [`${formats.count(figures.prefilledTokens)} prefilled`] : []),
    ...(told("generated") ? [`${formats.count(figures.generatedTokens)} generated`] : []),
    `TTFT ${formats.duration(figures.ttftMs)}`,
    ...(told("generated") ? [`${formats.rate(figures.decodeTokensPerSecond)} tok/s`] : []),
    ...(figures.by === "server" ? ["by the server"] : []),
  ].join(" · ");
}

/** A name is one line, and its characters have no meaning of their own. */
function oneLine(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*_[\]<>#]/g, "\\$&");
}
