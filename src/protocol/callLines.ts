/** What a call did, in one line: "Read src/a.ts 1–80", "Edit src/a.ts +3 −1", "Run npm test · exit 0". Pure. */
import { shownName } from "../common/shownName";
import type { JsonObject, ToolCall, ToolResult } from "../common/tools";
import type { CallKind } from "./acting";
import { type LineDiff, lineDiff } from "./lineDiff";
import { type BuiltInName, callKind, isBuiltIn, resultTexts } from "./toolNames";

export interface CallLine {
  readonly kind: CallKind;
  /** A codicon's name. */
  readonly icon: string;
  /** "Read" */
  readonly verb: string;
  /** "src/a.ts 1–80"; may be empty. One line, without characters that cannot be seen. */
  readonly target: string;
  /** Absent: there is no result yet, or nothing to say about it. */
  readonly outcome?: string;
  readonly isFailed: boolean;
}

type Arguments = Pick<ToolCall, "name" | "arguments">;
type Given = Pick<ToolResult, "text" | "failed">;

const longestTarget = 160;
const longestOutcome = 80;

const words: Readonly<Record<BuiltInName, { readonly verb: string; readonly icon: string }>> = {
  read_file: { verb: "Read", icon: "file" },
  list_files: { verb: "List", icon: "list-tree" },
  search: { verb: "Search", icon: "search" },
  edit_file: { verb: "Edit", icon: "edit" },
  write_file: { verb: "Write", icon: "new-file" },
  run: { verb: "Run", icon: "terminal" },
  problems: { verb: "Problems", icon: "warning" },
  ask_user: { verb: "Ask", icon: "question" },
  delegate: { verb: "Delegate", icon: "repo-forked" },
};

export function callLine(call: Arguments, result?: Given): CallLine {
  const { name, arguments: args } = call;
  const outcome = result === undefined ? undefined : outcomeOf(name, result);
  const end = { ...(outcome === undefined ? {} : { outcome }), isFailed: result?.failed === true };
  const kind = callKind(name);
  if (!isBuiltIn(name)) return { kind, icon: "tools", verb: oneLine(name, 64), target: otherTarget(args), ...end };
  return { kind, ...words[name], target: oneLine(targetOf(name, args), longestTarget), ...end };
}

/** The lines that a call of a writing tool would change, as far as its arguments tell; `undefined`: it is no such call. */
export function callDiff({ name, arguments: args }: Arguments): LineDiff | undefined {
  if (name === "edit_file") return lineDiff(text(args, "old"), text(args, "new"));
  if (name === "write_file") return lineDiff(undefined, text(args, "content"));
  return undefined;
}

function targetOf(name: BuiltInName, args: JsonObject): string {
  switch (name) {
    case "read_file":
      return [text(args, "path"), range(args)].filter((part) => part !== "").join(" ");
    case "list_files":
      return text(args, "path") || ".";
    case "search":
      return [text(args, "text"), text(args, "path") && `in ${text(args, "path")}`]
        .filter((part) => part !== "")
        .join(" ");
    case "edit_file":
    case "write_file":
    case "problems":
      return text(args, "path");
    case "run":
      return text(args, "command");
    case "ask_user":
      return text(args, "question");
    case "delegate":
      return text(args, "task");
  }
}

/** "1–80", "12–", "–80", or nothing. */
function range(args: JsonObject): string {
  const [from, to] = [lineNumber(args["from"]), lineNumber(args["to"])];
  if (from === "" && to === "") return "";
  return from === to ? from : `${from}–${to}`;
}

function lineNumber(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? String(value) : "";
}

function text(args: JsonObject, name: string): string {
  const value = args[name];
  return typeof value === "string" ? value : "";
}

/** The first argument that is a short text or a number. */
function otherTarget(args: JsonObject): string {
  for (const value of Object.values(args)) {
    if (typeof value === "string" && value !== "") return oneLine(value, longestTarget);
    if (typeof value === "number") return String(value);
  }
  return "";
}

function outcomeOf(name: string, { text: said, failed }: Given): string | undefined {
  if (said.startsWith(resultTexts.denied)) return "refused";
  if (said.startsWith(resultTexts.stopped)) return "stopped";
  const first = said.slice(0, 400).split("\n", 1)[0] ?? "";
  if (!isBuiltIn(name)) return failed === true ? "failed" : undefined;
  const short = shortOutcome(name, first);
  if (short !== undefined) return short;
  if (failed === true) return oneLine(first, longestOutcome).replace(/[.:]$/, "") || "failed";
  return name === "ask_user" ? oneLine(first, longestOutcome) : undefined;
}

/** Results of the built-in tools begin with a line of a known form. */
function shortOutcome(name: BuiltInName, first: string): string | undefined {
  const [whole, found] =
    {
      read_file: /, lines (?:\d+-\d+ of )?(\d+)/,
      list_files: /^(\d+ files?(?: or more)?|Nothing)/,
      search: /^(\d+ (?:match|matches)[^.:]*|No match)/,
      edit_file: /^(?:Changed|Made) .*: (\+\d+ -\d+)/,
      write_file: /^(?:Changed|Made) .*: (\+\d+ -\d+)/,
      run: /^Exit code (-?\d+)|^Ended after|^Ended/,
      problems: /^(\d+ [^.:]*|No problems)/,
      ask_user: /^(?!)/,
      delegate: /^(?!)/,
    }[name].exec(first) ?? [];
  if (whole === undefined) return undefined;
  if (name === "read_file") return `${found} ${found === "1" ? "line" : "lines"}`;
  if (name === "run") return found === undefined ? "ended" : `exit ${found}`;
  return (found ?? whole).replace(" -", " −");
}

/** Line ends and other control characters as marks, nothing that changes the direction of what follows, not too long. */
function oneLine(from: string, most: number): string {
  const cut = from.length > most * 2 ? from.slice(0, most * 2) : from;
  const line = shownName(
    cut
      .trim()
      .replace(/\s*[\r\n]+\s*/g, " ⏎ ")
      .replace(hidden, ""),
  );
  const letters = [...line];
  return letters.length <= most ? line : `${letters.slice(0, most - 1).join("")}…`;
}

const hidden = /[\p{Cc}\u200b\u200e\u200f\u2028\u2029\ufeff]/gu;
