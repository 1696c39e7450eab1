/** The calls that an answer made: a line each, which opens to the whole arguments and the result. */
import { type DroppedCall, notRunText, type ToolCall } from "../../common/tools";
import type { ResultView } from "../../protocol/service";
import { callDetails, type ResultActions } from "./callDetails";
import { markFewHidden } from "./hiddenCharacters";
import { type Children, h, icon, type TreeNode } from "./tree";

/** "said": its answer still runs. "none": it will have no result. */
export type CallState = "said" | "waits" | "result" | "failed" | "not run" | "none";

export interface CallPlace {
  /** What the calls gave; absent: nothing yet. */
  readonly results: readonly ResultView[] | undefined;
  readonly isRunning: boolean;
  /** The conversation ends with them, and their results can still be sent. */
  readonly waits: boolean;
}

export function callState({ id }: ToolCall, { results, isRunning, waits }: CallPlace): CallState {
  const result = results?.find(({ call }) => call === id);
  if (result !== undefined) {
    if (result.failed !== true) return "result";
    return result.text === notRunText ? "not run" : "failed";
  }
  if (isRunning) return "said";
  return waits ? "waits" : "none";
}

interface Look {
  readonly icon: string;
  readonly tint?: string;
  readonly words: string;
  /** Where there is little room. */
  readonly short?: string;
}

const looks: Readonly<Record<CallState, Look>> = {
  said: { icon: "tools", words: "called" },
  waits: { icon: "clock", words: "waits for a result", short: "waits" },
  result: { icon: "check", words: "result" },
  failed: { icon: "error", tint: "err", words: "failed" },
  "not run": { icon: "circle-slash", words: "not run" },
  none: { icon: "circle-slash", words: "no result" },
};

/** `actions` are for the results that are too long to be here as a whole. */
export function callsView(
  calls: readonly ToolCall[] | undefined,
  dropped: DroppedCall | undefined,
  place: CallPlace,
  actions: ResultActions,
): TreeNode | undefined {
  if (calls === undefined && dropped === undefined) return undefined;
  return h(
    "div.calls",
    { key: "calls", role: "group", "aria-label": "Calls" },
    calls?.map((call, index) => {
      const result = place.results?.find((one) => one.call === call.id);
      return h(
        "details.call",
        { key: call.id },
        h("summary", {}, icon("chevron-down", "fold"), callLine(call, callState(call, place))),
        callDetails(call, result, index + 1, actions),
      );
    }),
    dropped && droppedView(dropped),
  );
}

/** The same lines without what they open to. */
export function shortCallsView(
  calls: readonly ToolCall[] | undefined,
  dropped: DroppedCall | undefined,
  place: CallPlace,
): TreeNode | undefined {
  if (calls === undefined && dropped === undefined) return undefined;
  return h(
    "ul.calls",
    { key: "calls", "aria-label": "Calls" },
    calls?.map((call) => h("li.call.short", { key: call.id }, callLine(call, callState(call, place), true))),
    dropped && h("li.call.short", { key: "dropped" }, droppedLine(dropped)),
  );
}

function callLine(call: ToolCall, state: CallState, isShort = false): readonly TreeNode[] {
  const { icon: name, tint, words, short = words } = looks[state];
  return [
    icon(name, tint),
    h("code.call-name.cut", {}, markFewHidden(call.name)),
    h("span.call-arguments.cut", {}, shortArguments(call).map(isolated)),
    h("span.call-state", {}, isShort ? short : words),
  ];
}

/** Letters that are written from right to left turn nothing around but themselves. */
function isolated(part: string, index: number): Children {
  return [index > 0 && ", ", h("bdi", {}, markFewHidden(part))];
}

const droppedWords: Readonly<Record<DroppedCall["reason"], string>> = {
  cut: "the answer ended inside it",
  malformed: "its arguments cannot be read",
  unknown: "there is no such tool",
};

function droppedLine({ name, reason }: DroppedCall): readonly TreeNode[] {
  return [
    icon("warning", "warn"),
    ...(name === undefined ? [] : [h("code.call-name.cut", {}, markFewHidden(name))]),
    h("span.call-state.wide", {}, `Not called: ${droppedWords[reason]}`),
  ];
}

function droppedView(dropped: DroppedCall): TreeNode {
  return h(
    "details.call",
    { key: "dropped" },
    h("summary", {}, icon("chevron-down", "fold"), droppedLine(dropped)),
    h(
      "div.call-parts",
      {},
      h("div.call-part", {}, "As it was written"),
      h("pre", { tabindex: "0", role: "group", "aria-label": "Call as it was written" }, markFewHidden(dropped.text)),
    ),
  );
}

/** Most characters of a value, and of all arguments, in a line. */
const mostOfValue = 80;
const mostOfAll = 240;

/** `path: "src/recover.ts"`, `limit: 20`: of many arguments the first ones, then "…". */
export function shortArguments({ arguments: given }: ToolCall): readonly string[] {
  const parts: string[] = [];
  let left = mostOfAll;
  for (const [name, value] of Object.entries(given)) {
    if (left <= 0) return [...parts, "…"];
    const part = `${cut(name)}: ${shortValue(value)}`;
    left -= part.length;
    parts.push(part);
  }
  return parts;
}

function shortValue(value: unknown): string {
  // Of a long text only the beginning is looked at.
  return cut(JSON.stringify(typeof value === "string" ? value.slice(0, mostOfValue + 1) : value) ?? "");
}

function cut(text: string): string {
  return text.length > mostOfValue ? `${text.slice(0, mostOfValue)}…` : text;
}
