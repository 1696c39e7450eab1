import type { ToolCall } from "../../common/tools";
import type { ResultView } from "../../protocol/service";
import { pageResultLength } from "../../protocol/turnSteps";
import { markFewHidden } from "./hiddenCharacters";
import { highlight } from "./highlight";
import { type Children, h, type TreeNode } from "./tree";

/** What can be asked of a result. */
export interface ResultActions {
  /** "1,204" */
  readonly count: (value: number) => string;
  readonly copy: (text: string) => void;
  /** More of a long one comes in its place. */
  readonly showAll: (call: string) => void;
  readonly openInEditor: (call: string) => void;
}

/** The arguments and the result of a call. `number` counts the calls of one answer: it makes labels unique. */
export function callDetails(
  call: ToolCall,
  result: ResultView | undefined,
  number: number,
  actions: ResultActions,
): TreeNode {
  const text = JSON.stringify(call.arguments, undefined, 2);
  const name = `${call.name}, call ${number}`;
  return h(
    "div.call-parts",
    {},
    part("Arguments", `Arguments of ${name}`, markFewHidden(...highlight(text, "json")), [
      button("Copy", `Copy the arguments of ${name}`, () => actions.copy(text)),
    ]),
    result && resultPart(result, name, actions),
  );
}

function resultPart(result: ResultView, name: string, actions: ResultActions): Children {
  const { call, text, length, failed } = result;
  const { count, copy, showAll, openInEditor } = actions;
  const title = failed === true ? "Why it failed" : "Result";
  if (length === undefined) {
    const tools = text === "" ? [] : [button("Copy", `Copy the result of ${name}`, () => copy(text))];
    return part(title, `Result of ${name}`, text === "" ? h("span.dim", {}, "empty") : markFewHidden(text), tools);
  }
  return part(title, `Result of ${name}`, markFewHidden(text), [
    h("span.dim.num", {}, `the first ${count(text.length)} of ${count(length)} characters`),
    text.length < pageResultLength - 1 && button("Show All", `Show all of the result of ${name}`, () => showAll(call)),
    button("Open in Editor", `Open in editor: the result of ${name}`, () => openInEditor(call)),
  ]);
}

function part(title: string, label: string, text: Children, tools: Children): Children {
  return [
    h("div.call-part", {}, h("span.grow", {}, title), tools),
    h("pre", { tabindex: "0", role: "group", "aria-label": label }, text),
  ];
}

function button(text: string, label: string, click: () => void): TreeNode {
  return h("button.link", { "aria-label": label, on: { click } }, text);
}
