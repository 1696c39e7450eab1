/** What a built-in tool is, and what its calls have in common: arguments, files, refusals that teach. */
import type { JsonObject, ToolSpec } from "../../common/tools";
import type { BuiltInName } from "../../protocol/toolNames";
import { PathRefusal } from "../paths";
import type { Accepted, CallContext, CallOutcome, FileRef, FileText, PreparedCall, ToolPorts } from "../ports";
import { resolvePath } from "../resolvePath";
import { visibleLine } from "../visible";

export interface ToolCallInput {
  readonly args: JsonObject;
  /** The call's id. */
  readonly call: string;
  readonly ports: ToolPorts;
  readonly context: CallContext;
  readonly signal: AbortSignal;
  readonly accepted?: Accepted;
}

export interface BuiltInTool {
  readonly spec: ToolSpec & { readonly name: BuiltInName };
  /** Absent: nothing is to be shown or asked before. */
  prepare?(input: ToolCallInput): Promise<PreparedCall>;
  run(input: ToolCallInput): Promise<CallOutcome>;
}

/** The call cannot be done; the text is its result. */
export class CallRefused extends Error {}

/** A required text. Throws CallRefused. */
export function textArgument(args: JsonObject, name: string): string {
  const value = args[name];
  if (typeof value === "string") return value;
  throw new CallRefused(`"${name}" is missing or not a text. Call the tool again with it.`);
}

export function optionalText(args: JsonObject, name: string): string | undefined {
  return args[name] === undefined || args[name] === null || args[name] === "" ? undefined : textArgument(args, name);
}

/** A whole number from 1. Throws CallRefused. */
export function optionalLine(args: JsonObject, name: string): number | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw new CallRefused(`"${name}" is the number of a line: a whole number from 1.`);
}

/** Throws CallRefused where the path may not be used. */
export async function fileAt(input: ToolCallInput, written: string, use: "read" | "write"): Promise<FileRef> {
  const file = await resolvePath(written, input.ports.workspace, use);
  if (file instanceof PathRefusal) throw new CallRefused(file.text);
  return file;
}

/** The text of a file that there is. Throws CallRefused; `advice`: what to do where there is none, behind what there is. */
export async function existingText(
  input: ToolCallInput,
  file: FileRef,
  advice = "",
): Promise<Extract<FileText, { kind: "text" }>> {
  const found = await input.ports.workspace.read(file);
  if (found.kind === "text") return found;
  if (found.kind !== "missing") throw new CallRefused(unreadableText(file, found));
  throw new CallRefused(`${await missingText(input, file)}${advice}`);
}

/** Throws CallRefused where there is neither a file nor a folder: nothing was found because nothing was looked at. */
export async function assertThere(input: ToolCallInput, file: FileRef): Promise<void> {
  const { kind } = await input.ports.workspace.read(file);
  if (kind === "missing") throw new CallRefused(await missingText(input, file));
}

/** Why a file that there is has no text to read or to change. */
export function unreadableText({ shown }: FileRef, found: Exclude<FileText, { kind: "text" | "missing" }>): string {
  switch (found.kind) {
    case "folder":
      return `${shown} is a folder. Use list_files to see what is in it.`;
    case "binary":
      return `${shown} is not text (${found.bytes} bytes).`;
    case "large":
      return `${shown} is too large to be read (${found.bytes} bytes). Use search, or run a command that shows a part of it.`;
  }
}

/** Files that are looked through for one of the same name. */
const mostListed = 5000;
const mostNamed = 5;
/** A workspace with so few files is told whole: it saves a call. */
const mostShown = 20;

async function missingText(
  { ports: { workspace }, signal }: ToolCallInput,
  { path, folder, shown }: FileRef,
): Promise<string> {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const prefix = shown.slice(0, shown.length - path.length);
  const { paths } = await workspace.list(
    { folder, path: "", shown: prefix.replace(/\/$/, "") || "." },
    mostListed,
    signal,
  );
  const same = paths.filter((one) => one.slice(one.lastIndexOf("/") + 1).toLowerCase() === name);
  const named = same.slice(0, mostNamed).map((one) => visibleLine(prefix + one));
  if (named.length > 0) return `There is no file ${shown}. There is: ${named.join(", ")}.`;
  const few = paths.length > mostShown ? [] : paths.map((one) => visibleLine(prefix + one));
  const all = few.length === 0 ? "" : ` There is only: ${few.join(", ")}.`;
  return `There is no file ${shown}.${all === "" ? " Use list_files to see what there is." : all}`;
}
