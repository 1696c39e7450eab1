import { type AttachmentView, linesText } from "../../common/attachments";
import { type Formats, plural } from "../../common/format";
import { modelLabel } from "../../common/modelLabel";
import type { DroppedCall, ToolCall, ToolResult } from "../../common/tools";
import { visiblePath } from "../../common/visiblePath";
import type { AgentDetail, TurnView, UntoldCount } from "../../protocol/service";
import { figuresInSum, turnsOf } from "../../protocol/turnSteps";
import { closedMarkdown, fenced, htmlText, quoted } from "./markdownSafety";

export interface MarkdownOptions {
  readonly formats: Formats;
  /** A line under each answer with what was reused, prefilled and generated. */
  readonly figures: boolean;
}

type Conversation = Pick<AgentDetail, "name" | "modelName" | "server" | "system" | "turns">;

/** The branch at the head as a document: messages are quotations, answers stand as they are, calls and results are folded. */
export function conversationMarkdown(
  { name, system, turns: nodes, ...model }: Conversation,
  options: MarkdownOptions,
): string {
  const turns = turnsOf(nodes);
  const head = [
    `# ${oneLine(name)}`,
    `Model: ${oneLine(modelLabel(model))}. ${plural(turns.length, "turn", options.formats)}.`,
  ];
  const instructions = system.trim() === "" ? [] : ["## Instructions", quoted(system.trim())];
  const body = turns.flatMap((steps, index) => turnParts(steps, index + 1, turns[index + 1]?.[0].results, options));
  return `${[...head, ...instructions, ...body].join("\n\n")}\n`;
}

/** `after`: the results that the next message brought for the calls of the last step. */
function turnParts(
  steps: readonly TurnView[],
  number: number,
  after: readonly ToolResult[] | undefined,
  { formats, figures }: MarkdownOptions,
): readonly string[] {
  const { user = "", attachments = [], summary } = steps[0] ?? {};
  const sum = figures ? figuresInSum(steps.map((step) => step.figures)) : undefined;
  const count = steps.length > 1 ? [plural(steps.length, "step", formats)] : [];
  return [
    `## Turn ${formats.count(number)}`,
    ...(summary === undefined ? [] : [`*Summary of ${plural(summary.turns, "earlier turn", formats)}*`]),
    ...(attachments.length === 0 ? [] : [`Attached: ${attachments.map(attachedName).join("; ")}.`]),
    ...(user === "" ? [] : [quoted(user)]),
    ...steps.flatMap((step, index) => stepParts(step, steps[index + 1]?.results ?? after)),
    ...(sum ? [`*${[...count, figuresLine(sum, formats)].join(" · ")}*`] : []),
  ];
}

function attachedName({ path, range }: AttachmentView): string {
  return oneLine(visiblePath(path)) + linesText(range);
}

function stepParts(turn: TurnView, results: readonly ToolResult[] | undefined): readonly string[] {
  const answer = turn.answer.trim();
  const note = endingNote(turn, results);
  return [
    ...(turn.thought ? [thoughtDetails(turn.thought)] : []),
    ...(answer === "" ? [] : [closedMarkdown(answer)]),
    ...(turn.calls ?? []).map((call) =>
      callDetails(
        call,
        results?.find((result) => result.call === call.id),
      ),
    ),
    ...(turn.dropped ? [droppedDetails(turn.dropped)] : []),
    ...(note === undefined ? [] : [`*${note}*`]),
  ];
}

const foldTag = /<(?=\/?(?:details|summary)\b)/gi;

/** Folded in every viewer that knows HTML; its text is a quotation without HTML that could end the fold. */
function thoughtDetails(thought: string): string {
  const text = closedMarkdown(thought).replace(foldTag, "\\<");
  return ["<details><summary>Thought</summary>", quoted(text), "</details>"].join("\n\n");
}

/** Arguments and result as code, behind fences that nothing in them can close. */
function callDetails(call: ToolCall, result: ToolResult | undefined): string {
  const given = JSON.stringify(call.arguments, undefined, 2);
  const title = result?.failed === true ? "Failed:" : "Result:";
  return [
    `<details><summary>Call of ${htmlText(call.name)}</summary>`,
    fenced(given, "json"),
    ...(result === undefined ? ["No result."] : [title, fenced(result.text)]),
    "</details>",
  ].join("\n\n");
}

function droppedDetails({ name, reason, text }: DroppedCall): string {
  const what = name === undefined ? "A call" : `A call of ${htmlText(name)}`;
  return [`<details><summary>${what} was not made (${reason})</summary>`, fenced(text), "</details>"].join("\n\n");
}

/** How the answer ended, where it did not end by itself. */
function endingNote(
  { state, finishReason, answer, calls, error }: TurnView,
  results: readonly ToolResult[] | undefined,
): string | undefined {
  switch (state) {
    case "running":
      return "The answer was being written.";
    case "interrupted":
      return "The answer was interrupted.";
    case "failed":
      return `No answer: ${oneLine(error?.what ?? "it failed")}.`;
    case "done":
      if (finishReason === "aborted")
        return answer === "" && calls === undefined ? "Stopped before the answer began." : "The answer was stopped.";
      if (finishReason === "calls" && results === undefined) return "The results of its calls are not there yet.";
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
