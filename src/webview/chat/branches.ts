import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { plural } from "../shared/progress";
import { h, icon, type TreeNode } from "../shared/tree";

/** The branches that rewind and regenerate left: each can be made the head again. */
export function branchesView(
  { branches }: ChatSnapshot,
  fixed: boolean,
  formats: Formats,
  run: (command: ChatCommand) => void,
): TreeNode | undefined {
  const otherBranches = branches.filter(({ current, isEnd }) => isEnd && !current).reverse();
  if (otherBranches.length === 0) return undefined;
  const noun = otherBranches.length === 1 ? "other branch" : "other branches";
  return h(
    "details.branches",
    { key: "branches" },
    h("summary.quiet.small", {}, icon("chevron-down"), `${formats.count(otherBranches.length)} ${noun}`),
    h(
      "ul",
      {},
      otherBranches.map(({ turn, user, turns }) =>
        h(
          "li",
          { key: turn },
          h(
            "button.quiet",
            {
              disabled: fixed,
              title: "Switch to This Branch",
              on: { click: () => run({ type: "switchBranch", turn }) },
            },
            icon("git-branch"),
            h("span.cut.grow", {}, user),
            h("span.dim.num.small", {}, plural(turns, "turn", formats)),
          ),
        ),
      ),
    ),
  );
}
