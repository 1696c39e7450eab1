/** The calls that an answer made: a line each, which opens to what it changes, its output, its arguments and result. */

import { type DroppedCall, notRunText, type ToolCall } from "../../common/tools";
import type { LiveCall } from "../../protocol/acting";
import { type CallLine, callLine } from "../../protocol/callLines";
import type { RanCall } from "../../protocol/page";
import type { ResultView } from "../../protocol/service";
import { resultTexts } from "../../protocol/toolNames";
import { type CallActions, callDetails } from "./callDetails";
import { callFiguresText, callFiguresView } from "./callFigures";
import { markFewHidden } from "./hiddenCharacters";
import { type Children, h, icon, type TreeNode } from "./tree";

/** "said": its answer still runs. "none": it will have no result. The others of a live call are its own. */
export type CallState =
  | "said"
  | "waits"
  | "result"
  | "failed"
  | "not run"
  | "none"
  | "stopped"
  | Exclude<LiveCall["state"], "failed">;

export interface CallPlace {
  /** What the calls gave; absent: nothing yet. */
  readonly results: readonly ResultView[] | undefined;
  readonly isRunning: boolean;
  /** The conversation ends with them, and their results can still be sent. */
  readonly waits: boolean;
  /** What the agent does with them at the moment. */
  readonly live?: readonly LiveCall[] | undefined;
  /** How it went with those that have ended. */
  readonly ran?: readonly RanCall[] | undefined;
  /** Stands at the end of what the last call opens to: what the answer took, and what can be done with it. */
  readonly foot?: TreeNode | undefined;
}

export function callState({ id }: ToolCall, { results, isRunning, waits, live }: CallPlace): CallState {
  const result = results?.find(({ call }) => call === id);
  if (result !== undefined) {
    return result.failed === true ? failedState(result.text) : "result";
  }
  const now = live?.find(({ call }) => call === id);
  if (now !== undefined) return now.state;
  if (isRunning) return "said";
  return waits ? "waits" : "none";
}

/** A result that no tool gave says why. */
function failedState(text: string): CallState {
  if (text === notRunText) return "not run";
  if (text.startsWith(resultTexts.denied)) return "denied";
  return text.startsWith(resultTexts.stopped) ? "stopped" : "failed";
}

interface Look {
  /** In place of the call's own. */
  readonly icon?: string;
  readonly tint?: string;
  readonly words: string;
  /** Where there is little room. */
  readonly short?: string;
}

const looks: Readonly<Record<CallState, Look>> = {
  said: { words: "called" },
  waits: { icon: "clock", words: "waits for a result", short: "waits" },
  result: { words: "done" },
  failed: { icon: "error", tint: "err", words: "failed" },
  "not run": { icon: "circle-slash", words: "not run" },
  none: { icon: "circle-slash", words: "no result" },
  queued: { icon: "clock", words: "waits for its turn", short: "waits" },
  waiting: { icon: "question", tint: "warn", words: "waits for you", short: "waits" },
  running: { icon: "circle-filled", tint: "busy", words: "running" },
  done: { words: "done" },
  denied: { icon: "circle-slash", words: "denied" },
  stopped: { icon: "circle-slash", words: "stopped" },
};

/** `actions` are what can be done with them. */
export function callsView(
  calls: readonly ToolCall[] | undefined,
  dropped: DroppedCall | undefined,
  place: CallPlace,
  actions: CallActions,
): TreeNode | undefined {
  if (calls === undefined && dropped === undefined) return undefined;
  return h(
    "div.calls",
    { key: "calls", role: "group", "aria-label": "Calls" },
    calls?.map((call, index) => callView(call, index + 1, place, actions, index === calls.length - 1 && place.foot)),
    dropped && droppedView(dropped),
  );
}

function callView(call: ToolCall, number: number, place: CallPlace, actions: CallActions, foot: Children): TreeNode {
  const live = place.live?.find((one) => one.call === call.id);
  const result = place.results?.find((one) => one.call === call.id);
  const ran = place.ran?.find((one) => one.call === call.id);
  const line = callLine(call, result);
  // What the person is asked about is open, and so is what a command prints while it runs.
  const isOpen = live?.state === "waiting" || (live?.state === "running" && line.kind === "run");
  const delegate = live?.delegate ?? ran?.delegate;
  const took = { tokens: ran?.tokens, ms: ran?.ms ?? live?.ms };
  return h(
    "div.call-row",
    { key: call.id, "data-call": call.id },
    h(
      "details.call",
      { key: "call", open: isOpen ? true : undefined },
      h(
        "summary",
        { title: callFiguresText(took, actions.formats) || undefined },
        icon("chevron-down", "fold"),
        lineParts(line, callState(call, place)),
        callFiguresView(took, actions.formats),
      ),
      callDetails(call, { kind: line.kind, live, result, number }, actions),
      live && actions.approval(live),
      foot,
    ),
    delegate !== undefined &&
      h(
        "button.icon-btn",
        {
          key: "delegate",
          "aria-label": `Open the transcript of ${call.name}, call ${number}`,
          title: "Open Transcript",
          on: { click: () => actions.openAgent(delegate) },
        },
        icon("comment-discussion"),
      ),
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
    calls?.map((call) => {
      const line = callLine(
        call,
        place.results?.find((one) => one.call === call.id),
      );
      return h("li.call.short", { key: call.id }, lineParts(line, callState(call, place), true));
    }),
    dropped && h("li.call.short", { key: "dropped" }, droppedLine(dropped)),
  );
}

function lineParts(line: CallLine, state: CallState, isShort = false): readonly TreeNode[] {
  const { icon: name = line.icon, tint, words, short = words } = looks[state];
  const isTold = line.outcome !== undefined && (state === "result" || state === "failed" || state === "done");
  const outcome = isTold ? line.outcome : isShort ? short : words;
  return [
    icon(name, tint),
    h(line.kind === "other" ? "code.call-name.cut" : "span.call-name.cut", {}, markFewHidden(line.verb)),
    h("span.call-arguments.cut", {}, h("bdi", {}, markFewHidden(line.target))),
    h(
      "span.call-state.cut",
      {},
      state === "failed" && isTold && h("span.sr", {}, "failed: "),
      markFewHidden(outcome ?? words),
    ),
  ];
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
