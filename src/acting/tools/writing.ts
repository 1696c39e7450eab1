/** What tools that write have in common: what is shown before, the copy that is kept, the write itself, and what is told of it. */
import { changedLines, lineDiff } from "../../protocol/lineDiff";
import { folderKey } from "../paths";
import type { CallOutcome, FileChange, FileRef, PreparedCall } from "../ports";
import { beginning, numberedLines } from "../results";
import { type ToolCallInput, unreadableText } from "./tool";

/** Nothing will be done: this is the call's result. */
export function refusedCall(text: string): PreparedCall {
  return { refused: { text, failed: true } };
}

export function preparedWrite(verb: "Edit" | "Write", change: FileChange): PreparedCall {
  const diff = lineDiff(change.before, change.after);
  return {
    question: `${verb} ${change.file.shown} (${changedLines(diff)})`,
    diff: diff.lines,
    change,
    isDelicate: change.file.isDelicate === true,
  };
}

/** A file that is not what the agent read last: what it is now, from around `line`. From now on the agent has seen it. */
export function changedSinceRead(input: ToolCallInput, file: FileRef, text: string, digest: string, line = 1): string {
  const { ports, context } = input;
  ports.seen.set(context.agent, file.shown, digest);
  return `${file.shown} was changed since you read it, so nothing was written. Now it is:\n${excerpt(text, line, context.resultLength / 2)}\nCall the tool again with what stands there now.`;
}

/** Numbered lines from a little before `line`. */
export function excerpt(text: string, line: number, most: number, lines = 60): string {
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (body === "") return "(empty)";
  const from = Math.max(1, line - 8);
  const { text: shown, to, total } = numberedLines(body, from, from + lines - 1, most);
  return to < total ? `${shown}\n[… ${total - to} more lines]` : shown;
}

/** Writes what was prepared, or what the person took of it. `input.accepted` absent: `prepared` was made just now. */
export async function writeNow(input: ToolCallInput, prepared: PreparedCall): Promise<CallOutcome> {
  const { ports, context, accepted } = input;
  const { change, refused } = prepared;
  if (refused !== undefined) return refused;
  if (change === undefined) return { text: "There was nothing to write.", failed: true };
  const { file, before } = change;
  const after = accepted?.text ?? change.after ?? "";
  if (after === before)
    return { text: `Nothing was changed in ${file.shown}: the person took no part of this.`, failed: true };
  await keepCopy(input, change, before, after);
  if ((await ports.workspace.write({ ...change, after })) === "changed") return changedMeanwhile(input, change);
  const saved = await textAfter(input, file, after);
  if (saved !== after) await keepCopy(input, change, after, saved);
  ports.seen.set(context.agent, file.shown, ports.digest(saved));
  const { added, removed } = lineDiff(before, saved);
  const head = `${before === undefined ? "Made" : "Changed"} ${file.shown}: +${added} -${removed}`;
  return { text: [`${head} lines.`, ...notes(change, after, saved, context.resultLength)].join("\n") };
}

/** Before the file is touched: a write without a copy could not be taken back. */
async function keepCopy(
  { ports, context, call }: ToolCallInput,
  { file }: FileChange,
  before: string | undefined,
  after: string,
): Promise<void> {
  const texts: Record<string, string> = { [ports.digest(after)]: after };
  if (before !== undefined) texts[ports.digest(before)] = before;
  const folder = ports.workspace.folders()[file.folder];
  const checkpoint = {
    turn: context.turn,
    call,
    folder: folder === undefined ? "" : folderKey(folder),
    path: file.path,
    ...(before === undefined ? {} : { before: ports.digest(before) }),
    after: ports.digest(after),
  };
  await ports.checkpoints.add(context.agent, checkpoint, texts);
}

async function changedMeanwhile(input: ToolCallInput, { file }: FileChange): Promise<CallOutcome> {
  const now = await input.ports.workspace.read(file);
  if (now.kind === "text") return { text: changedSinceRead(input, file, now.text, now.digest), failed: true };
  const why = now.kind === "missing" ? `${file.shown} was removed meanwhile.` : unreadableText(file, now);
  return { text: `Nothing was written: ${why}`, failed: true };
}

/** The editor may format a file when it is saved. */
async function textAfter({ ports }: ToolCallInput, file: FileRef, written: string): Promise<string> {
  const now = await ports.workspace.read(file);
  return now.kind === "text" ? now.text : written;
}

function notes(change: FileChange, after: string, saved: string, most: number): readonly string[] {
  const found: string[] = [];
  if (change.after !== undefined && after !== change.after) {
    const missing = lineDiff(after, change.after).lines.filter(({ kind }) => kind === "added" || kind === "removed");
    const shown = missing.map(({ kind, text }) => `${kind === "added" ? "+" : "-"} ${text}`).join("\n");
    found.push(
      `The person took it with changes. What differs, "-" theirs and "+" yours:\n${beginning(shown, most / 2)}`,
    );
  }
  if (saved !== after) {
    const line = firstDifference(after, saved);
    found.push(`The editor changed it further when it was saved. Now it is:\n${excerpt(saved, line, most / 4, 24)}`);
  }
  return found;
}

/** The line, from 1, where two texts begin to differ. */
function firstDifference(one: string, other: string): number {
  let at = 0;
  let line = 1;
  while (at < one.length && one[at] === other[at]) {
    if (one[at] === "\n") line += 1;
    at += 1;
  }
  return line;
}
