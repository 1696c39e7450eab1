import type { ChatUpdate } from "../../protocol/chat";
import { h, type TreeNode } from "../shared/tree";

export type WaitsFor = Extract<ChatUpdate, { type: "opening" }>["waitsFor"];

const reasons: Readonly<Record<WaitsFor, string>> = {
  engine: "The engine is starting.",
  conversation: "A long conversation takes a few seconds to read.",
};

/** What the page shows before the first snapshot. The reason appears after a second (chat.css). */
export function openingView(agent: string, waitsFor: WaitsFor): TreeNode {
  return h(
    "div.opening",
    {},
    h("div.col", {}, h("h1", {}, `Opening ${agent}…`), h("p.late.dim", { key: waitsFor }, reasons[waitsFor]), bones()),
  );
}

function bones(): TreeNode {
  return h("div.bones", { "aria-hidden": "true" }, h("i"), h("i"), h("i"));
}
