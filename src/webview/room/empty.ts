import type { RoomCommand } from "../../protocol/room";
import { h, type TreeNode } from "../shared/tree";

/** The room with no agent in it. */
export function emptyView(run: (command: RoomCommand) => void): TreeNode {
  return h(
    "section.empty",
    {},
    h("p", {}, "Ask several agents at once. Each answers in parallel from what it has already read."),
    h(
      "div.stack",
      {},
      h("button.btn", { on: { click: () => run({ type: "chooseMembers" }) } }, "Add Agents to the Room"),
      h("button.btn.second", { on: { click: () => run({ type: "act", action: "newAgent" }) } }, "New Agent"),
    ),
    h(
      "p.dim.small",
      {},
      "A message is for all agents in the room. Start it with ",
      h("span.at", {}, "@name"),
      " to ask one.",
    ),
  );
}
