import type { DroppedCall, ToolCall, Unconstrained } from "../common/tools";
import type { GenerationEvent } from "../protocol/service";
import type { Console } from "./console";

/** A call on lines of its own: its id, with which its result is sent, then what it calls. */
export function callText({ id, name, arguments: given }: ToolCall): string {
  return `[call ${id}] ${name} ${JSON.stringify(given)}`;
}

const why: Readonly<Record<DroppedCall["reason"], string>> = {
  cut: "the answer ended inside it",
  malformed: "its arguments cannot be read",
  unknown: "there is no such tool",
};

export function droppedText({ reason, name }: DroppedCall): string {
  return `a call${name === undefined ? "" : ` of ${name}`} was not made: ${why[reason]}`;
}

/** The schema's words that the answer was not held to. */
export function unconstrainedText(list: readonly Unconstrained[]): string {
  const places = list.map(({ tool, path, what }) => `${tool === undefined ? "" : `${tool} `}${path || "/"}: ${what}`);
  return `the answer was not held to all of the schema, and may not fit there: ${places.join("; ")}`;
}

/** The answer and its calls go to stdout alone: what was thought before it goes to stderr. */
export function answerPrinter(console: Console): (event: GenerationEvent) => void {
  let line = "";
  let isLineBegun = false;
  return (event) => {
    if (event.type === "thinking") {
      const lines = (line + event.text).split("\n");
      line = lines.pop() ?? "";
      for (const whole of lines) if (whole.trim() !== "") console.err(`[thought] ${whole}`);
      return;
    }
    if ((event.type === "text" || event.type === "done") && line.trim() !== "") console.err(`[thought] ${line}`);
    if (event.type === "text" || event.type === "done") line = "";
    if (event.type === "text") console.out(event.text);
    if (event.type === "call") console.out(`${isLineBegun ? "\n" : ""}${callText(event.call)}\n`);
    if (event.type === "dropped") console.err(`[warn] ${droppedText(event.dropped)}`);
    if (event.type === "text" && event.text !== "") isLineBegun = !event.text.endsWith("\n");
    else if (event.type === "call") isLineBegun = false;
  };
}
