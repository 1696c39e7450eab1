/** What the steps of a turn before its last one did, in sum. Pure. */
import type { Formats } from "../../common/format";
import type { ToolCall } from "../../common/tools";
import type { PageTurn } from "../../protocol/page";
import { type BuiltInName, isBuiltIn } from "../../protocol/toolNames";
import { callState } from "../shared/calls";
import { resultsIn, type ShownTurn } from "./shownTurns";

export interface StepsSum {
  readonly steps: number;
  /** "9 files read", "2 edited", "1 command" */
  readonly done: readonly string[];
  /** What a person should know without opening them. */
  readonly failed: number;
  readonly denied: number;
  readonly notRun: number;
  readonly warnings: number;
  /** Tokens that were read for the results; absent: not known. */
  readonly tokens: number | undefined;
  /** From the message to the last step, in ms: what waited for the person counts. Absent: not known. */
  readonly ms: number | undefined;
}

export function stepsSum({ steps }: ShownTurn, formats: Formats): StepsSum {
  const middle = steps.slice(0, -1);
  const ended = middle.flatMap(({ calls = [] }, at) => {
    const results = resultsIn(steps[at + 1])?.results;
    return calls.map((call) => ({ call, state: callState(call, { results, isRunning: false, waits: false }) }));
  });
  const count = (...states: readonly string[]) => ended.filter(({ state }) => states.includes(state)).length;
  // A command that failed was run.
  const made = ended.filter(({ call, state }) => state === "result" || (state === "failed" && call.name === "run"));
  const ms = (steps.at(-1)?.createdAt ?? 0) - steps[0].createdAt;
  return {
    steps: middle.length,
    done: doneBy(
      made.map(({ call }) => call),
      formats,
    ),
    failed: count("failed") + middle.filter(({ problem }) => problem !== undefined).length,
    denied: count("denied"),
    notRun: count("not run", "none", "stopped"),
    warnings: middle.reduce((sum, step) => sum + warningsOf(step), 0),
    tokens: tokensRead(steps.slice(1)),
    ms: ms > 0 ? ms : undefined,
  };
}

function warningsOf({ dropped, figures, saveProblem, state }: PageTurn): number {
  return [dropped, figures?.cache.refused, saveProblem, state === "interrupted" || undefined].filter(
    (one) => one !== undefined,
  ).length;
}

/** A step reads what the calls before it gave. A server tells no such thing, and a refused cache is read again too. */
function tokensRead(steps: readonly PageTurn[]): number | undefined {
  const known = steps.flatMap(({ figures }) =>
    figures === undefined || figures.by !== undefined || figures.cache.refused !== undefined
      ? []
      : [figures.prefilledTokens],
  );
  return known.length === 0 ? undefined : known.reduce((sum, tokens) => sum + tokens, 0);
}

/** Files that several calls were about count once. */
function doneBy(calls: readonly ToolCall[], formats: Formats): readonly string[] {
  const by = (...names: readonly BuiltInName[]) => calls.filter(({ name }) => isBuiltIn(name) && names.includes(name));
  const files = (...names: readonly BuiltInName[]) => new Set(by(...names).map(({ arguments: { path } }) => path)).size;
  const say = (count: number, one: string, several = `${one}s`) =>
    count === 0 ? [] : [`${formats.count(count)} ${count === 1 ? one : several}`];
  const read = files("read_file");
  const edited = files("edit_file", "write_file");
  return [
    ...say(read, "file read", "files read"),
    ...(read > 0 ? say(edited, "edited", "edited") : say(edited, "file edited", "files edited")),
    ...say(by("run").length, "command"),
    ...say(by("search").length, "search", "searches"),
    ...say(by("list_files").length, "folder listed", "folders listed"),
    ...say(by("problems").length, "look at problems", "looks at problems"),
    ...say(by("ask_user").length, "question"),
    ...say(by("delegate").length, "delegate"),
    ...say(calls.filter(({ name }) => !isBuiltIn(name)).length, "other call"),
  ];
}
