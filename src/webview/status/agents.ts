import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { AgentSummary, Tier } from "../../protocol/service";
import type { StatusCommand } from "../../protocol/status";
import { agentColour } from "../shared/agentColour";
import { tierDot, tierNames } from "../shared/figures";
import { h, icon, type TreeNode } from "../shared/tree";
import { pane } from "./pane";

const tiers: readonly Tier[] = ["hot", "warm", "cold"];

export function agentsView(
  agents: readonly AgentSummary[],
  formats: Formats,
  run: (command: StatusCommand) => void,
  wide: boolean,
): TreeNode {
  const counts = tiers.map((tier) => ({ tier, count: agents.filter((agent) => agent.tier === tier).length }));
  const hint = counts.filter(({ count }) => count > 0).map(({ tier, count }) => `${formats.count(count)} ${tier}`);
  return pane(
    { title: "Agents", hint: hint.join(", "), wide },
    agents.length === 0
      ? h("p.dim.small", {}, "No agents yet.")
      : h(
          "table.num",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, "Agent"),
              h("th", { scope: "col", title: "Tokens in the pool" }, "Hot"),
              h("th", { scope: "col", title: "Tokens on disk" }, "On disk"),
              h("th", { scope: "col", title: "Bytes on disk" }, "Size"),
            ),
          ),
          h(
            "tbody",
            {},
            agents.map((agent) => row(agent, formats, run)),
          ),
        ),
  );
}

function row(agent: AgentSummary, formats: Formats, run: (command: StatusCommand) => void): TreeNode {
  const figure = (value: number, text: string) => h("td", { class: value === 0 ? "none" : undefined }, text);
  return h(
    "tr",
    { key: agent.id },
    h(
      "td",
      {},
      h(
        "button.row.open",
        {
          style: agentColour(agent.index),
          title: `Open ${agent.name}`,
          on: { click: () => run({ type: "openAgent", agent: agent.id }) },
        },
        tierDot(agent.tier, { busy: agent.state !== "idle", title: tierNames[agent.tier] }),
        h("span.name", { dir: "auto" }, shownName(agent.name)),
        agent.lockedElsewhere && icon("lock"),
        agent.lockedElsewhere && h("span.sr", {}, "open in another window"),
      ),
    ),
    figure(agent.hotTokens, formats.count(agent.hotTokens)),
    figure(agent.diskTokens, formats.count(agent.diskTokens)),
    figure(agent.diskBytes, formats.bytes(agent.diskBytes)),
  );
}
