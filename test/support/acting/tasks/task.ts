/** A small task for an agent that acts: files, a message, and what must be so when its turn has ended. */
import type { BuiltInName } from "../../../../src/protocol/toolNames";

/** A problem that the editor knows of, as a language service would tell it. */
export interface TaskProblem {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** What there is when the turn has ended. */
export interface TaskEnd {
  /** The last answer of the turn. */
  readonly answer: string;
  /** Texts by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Runs a command over the files as they are, with none of the task's own files changed. */
  readonly exitCode: (command: string) => Promise<number>;
}

export interface Task {
  /** A word for reports. */
  readonly name: string;
  /** Nothing was tuned with it in sight: what it shows is not what was made for it. */
  readonly isHeldOut: boolean;
  readonly files: Readonly<Record<string, string>>;
  readonly problems?: readonly TaskProblem[];
  readonly message: string;
  /** A sensible first call: its tool, and what its arguments say as JSON. */
  readonly firstCall: readonly [tool: BuiltInName, args: RegExp];
  /** The tools that it cannot be done without. */
  readonly tools: readonly BuiltInName[];
  readonly isDone: (end: TaskEnd) => boolean | Promise<boolean>;
}

/** The paths whose texts are not what the task began with: made, changed or removed. */
export function changedPaths({ files }: Task, end: Pick<TaskEnd, "files">): readonly string[] {
  const paths = new Set([...Object.keys(files), ...Object.keys(end.files)]);
  return [...paths].filter((path) => files[path] !== end.files[path]).sort();
}

/** Nothing else was changed. */
export function changedOnly(task: Pick<Task, "files">, end: TaskEnd, ...paths: readonly string[]): boolean {
  return changedPaths(task as Task, end).join("\n") === [...paths].sort().join("\n");
}
