import type { Formats } from "../../common/format";
import type { ToolCall } from "../../common/tools";
import type { CallKind, LiveCall } from "../../protocol/acting";
import { callDiff } from "../../protocol/callLines";
import type { AgentId, ResultView } from "../../protocol/service";
import { pageResultLength } from "../../protocol/turnSteps";
import { diffView, diffWords } from "./diffView";
import { markFewHidden } from "./hiddenCharacters";
import { highlight } from "./highlight";
import { type Children, h, type TreeNode } from "./tree";

/** What can be done with a call and its result. */
export interface CallActions {
  readonly formats: Formats;
  readonly copy: (text: string) => void;
  /** More of a long result comes in its place. */
  readonly showAll: (call: string) => void;
  readonly openInEditor: (call: string) => void;
  /** What a call changes, in VS Code's diff editor; absent: nothing can be shown there. */
  readonly openDiff: ((call: string) => void) | undefined;
  readonly openAgent: (agent: AgentId) => void;
  /** What the person is asked about it. */
  readonly approval: (live: LiveCall) => TreeNode | undefined;
}

export interface CallFacts {
  readonly kind: CallKind;
  readonly live: LiveCall | undefined;
  readonly result: ResultView | undefined;
  /** Counts the calls of one answer: it makes labels unique. */
  readonly number: number;
}

/** What a call says and what came of it. */
export function callDetails(call: ToolCall, facts: CallFacts, actions: CallActions): TreeNode {
  const name = `${call.name}, call ${facts.number}`;
  const { live, result } = facts;
  return h(
    "div.call-parts",
    {},
    saidParts(call, facts, name, actions),
    result === undefined && live?.output !== undefined && outputPart(live.output, name),
    result && resultPart(result, facts.kind, name, actions),
  );
}

function saidParts(call: ToolCall, { kind, live }: CallFacts, name: string, actions: CallActions): Children {
  const diff = live?.diff ?? callDiff(call)?.lines;
  if (diff !== undefined) {
    const { formats, openDiff } = actions;
    const path = textIn(call, "path");
    return part(`Changes: ${diffWords(diff, formats)}`, diffView(diff, path, `Changes of ${name}`, formats), [
      // Where the person is asked, it is among the answers.
      openDiff && !offersDiff(live) && button("Open Diff", `Open diff: ${name}`, () => openDiff(call.id)),
    ]);
  }
  if (kind === "ask" && live?.state === "waiting") return undefined; // the question stands above the field
  const [argument, title, language] = mainArgument[kind] ?? [];
  const main = argument === undefined ? "" : textIn(call, argument);
  const text = main === "" ? JSON.stringify(call.arguments, undefined, 2) : main;
  const heading = main === "" ? "Arguments" : (title ?? "Arguments");
  const coloured = highlight(text, main === "" ? "json" : (language ?? ""));
  return part(heading, pre(`${heading} of ${name}`, markFewHidden(...coloured)), [
    button("Copy", `Copy the ${heading.toLowerCase()} of ${name}`, () => actions.copy(text)),
  ]);
}

function offersDiff(live: LiveCall | undefined): boolean {
  return live?.choices?.some(({ way }) => way === "openDiff") === true;
}

/** Where one argument is all that a person wants to read: its name, what it is, its language. */
const mainArgument: Readonly<Partial<Record<CallKind, readonly [string, string, string?]>>> = {
  run: ["command", "Command", "bash"],
  ask: ["question", "Question"],
  delegate: ["task", "Task"],
};

function textIn({ arguments: given }: ToolCall, name: string): string {
  const value = given[name];
  return typeof value === "string" ? value : "";
}

/** What it has printed so far. Its end is what counts, so the box stands at its end (content.css). */
function outputPart(output: string, name: string): Children {
  return part("Output so far", h("div.tail", {}, pre(`Output so far of ${name}`, markFewHidden(output))), []);
}

const resultTitles: Readonly<Partial<Record<CallKind, string>>> = { run: "Output", ask: "Answer", delegate: "Answer" };

function resultPart(result: ResultView, kind: CallKind, name: string, actions: CallActions): Children {
  const { call, text, length, failed } = result;
  const { formats, copy, showAll, openInEditor } = actions;
  const title = resultTitles[kind] ?? (failed === true ? "Why it failed" : "Result");
  const label = `Result of ${name}`;
  if (length === undefined) {
    const tools = text === "" ? [] : [button("Copy", `Copy the result of ${name}`, () => copy(text))];
    return part(title, pre(label, text === "" ? h("span.dim", {}, "empty") : markFewHidden(text)), tools);
  }
  return part(title, pre(label, markFewHidden(text)), [
    h("span.dim.num", {}, `the first ${formats.count(text.length)} of ${formats.count(length)} characters`),
    text.length < pageResultLength - 1 && button("Show All", `Show all of the result of ${name}`, () => showAll(call)),
    button("Open in Editor", `Open in editor: the result of ${name}`, () => openInEditor(call)),
  ]);
}

function part(title: string, content: Children, tools: Children): Children {
  return [h("div.call-part", {}, h("span.grow", {}, title), tools), content];
}

function pre(label: string, text: Children): TreeNode {
  return h("pre", { tabindex: "0", role: "group", "aria-label": label }, text);
}

function button(text: string, label: string, click: () => void): TreeNode {
  return h("button.link", { "aria-label": label, on: { click } }, text);
}
