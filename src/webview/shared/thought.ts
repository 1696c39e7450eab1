import { type Formats, plural } from "../../common/format";
import type { PageTurn } from "../../protocol/page";
import { h, icon, type TreeNode } from "./tree";

/** What the model thought before it answered, folded: the line says how long that took. */
export function thoughtView(turn: PageTurn, formats: Formats): TreeNode | undefined {
  const text = turn.thought?.trimStart() ?? "";
  if (text === "") return undefined;
  return h(
    "details.thought",
    { key: "thought" },
    h("summary.num", {}, icon("chevron-down"), thoughtLabel(turn, formats)),
    h("div.said", {}, text),
  );
}

/** "Thought for 3.2 s · 412 tokens" */
function thoughtLabel({ state, answer, calls, figures }: PageTurn, formats: Formats): string {
  const thinking = figures?.thinking;
  const tokens = thinking === undefined ? "" : ` · ${plural(thinking.tokens, "token", formats)}`;
  if (state === "running" && answer === "" && calls === undefined) return `Thinking${tokens}`;
  return thinking === undefined ? "Thought" : `Thought for ${formats.duration(thinking.ms)}${tokens}`;
}
