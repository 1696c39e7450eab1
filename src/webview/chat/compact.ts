/** A conversation that fills the context can go on with a summary of itself. */
import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import { h, icon, type TreeNode } from "../shared/tree";
import { contextUse, isBusy } from "./derived";

type Run = (command: ChatCommand) => void;

const title = "Goes on with a summary and the last turns on a new branch; this one is kept";

/** For a failure that says that the context is full. */
export function compactButton({ error, actions }: Problem, run: Run): TreeNode | undefined {
  if (error.code !== "CONTEXT_FULL") return undefined;
  const tag = actions.length > 0 ? "button.btn.second" : "button.btn";
  return h(tag, { key: "compact", title, on: { click: () => run({ type: "compact" }) } }, "Compact");
}

/** Before it is full; nothing where the agent cannot do it. */
export function compactNotice(snapshot: ChatSnapshot, formats: Formats, run: Run): TreeNode | undefined {
  const { used, total, level } = contextUse(snapshot);
  if (level === "open" || snapshot.acting === undefined || snapshot.readOnly !== undefined) return undefined;
  const left = formats.count(Math.max(0, total - used));
  return h(
    "div.notice.small",
    { key: "nearlyFull", role: "note" },
    icon("warning", "warn"),
    h(
      "div.grow.num.says",
      {},
      h("span", {}, level === "full" ? "The context is full." : `${left} tokens of the context are left.`),
      h(
        "button.link",
        { title, disabled: isBusy(snapshot), on: { click: () => run({ type: "compact" }) } },
        "Compact the Conversation",
      ),
    ),
  );
}
