import type { Formats } from "../../common/format";
import type { Problem } from "../../protocol/page";
import { actionLinks, problemView, type RunAction, sentence } from "../shared/problem";
import { h, icon, type TreeNode } from "../shared/tree";

/** Why the agent can only be read here. A lock is no failure: the agent is in use, as it should be. */
export function readOnlyBanner(problem: Problem, formats: Formats, run: RunAction): TreeNode {
  const { error, kept, actions } = problem;
  const locked = h(
    "div.notice",
    { role: "note" },
    icon("lock"),
    h(
      "div.grow.says",
      {},
      h("span", {}, [sentence(error.what), kept].filter(Boolean).join(" ")),
      actionLinks(actions, run),
    ),
  );
  return h(
    "div.banner.col",
    { key: "banner" },
    error.code === "AGENT_LOCKED" ? locked : problemView(problem, formats, run),
  );
}
