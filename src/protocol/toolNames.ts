/** The built-in tools by name, and what a call of each touches: shared by what runs them and by what shows them. */
import type { CallKind } from "./acting";

const kinds = {
  read_file: "read",
  list_files: "read",
  search: "read",
  edit_file: "write",
  write_file: "write",
  run: "run",
  problems: "read",
  ask_user: "ask",
  delegate: "delegate",
} as const satisfies Readonly<Record<string, CallKind>>;

export type BuiltInName = keyof typeof kinds;

export function isBuiltIn(name: string): name is BuiltInName {
  return Object.hasOwn(kinds, name);
}

/** A tool that is not built in is "other". */
export function callKind(name: string): CallKind {
  return isBuiltIn(name) ? kinds[name] : "other";
}

/** Beginnings of results that pages recognise. */
export const resultTexts = {
  denied: "The person refused this.",
  stopped: "The person stopped this.",
} as const;

/** A message that begins with it is no person's: it tells the model of a call that could not be made. */
export const noteMark = "[Resident]";
