import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import { agentWords } from "../../protocol/agentWords";
import type { AgentSummary, Tier } from "../../protocol/service";
import type { StatusCommand } from "../../protocol/status";
import { agentColour } from "../shared/agentColour";
import { agentMark, tierNames } from "../shared/figures";
import { h, icon, type TreeNode } from "../shared/tree";
import { pane } from "./pane";

const tiers: readonly Tier[] = ["hot", "warm", "cold"];

export function agentsView(
  agents: readonly AgentSummary[],
  formats: Formats,
  run: (command: StatusCommand) => void,
  wide: boolean,
): TreeNode {
  const here = agents.filter(({ server }) => server === undefined);
  const counts = tiers.map((tier) => ({ is: String(tier), count: here.filter((agent) => agent.tier === tier).length }));
  const all = [...counts, { is: "on servers", count: agents.length - here.length }];
  const hint = all.filter(({ count }) => count > 0).map(({ is, count }) => `${formats.count(count)} ${is}`);
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
        agentMark(agent, { busy: agent.state !== "idle", title: tierNames[agent.tier] }),
        h("span.name", { dir: "auto" }, shownName(agent.name)),
        agent.lockedElsewhere && icon("lock"),
        agent.lockedElsewhere && h("span.sr", {}, "open in another window"),
      ),
    ),
    agent.server === undefined
      ? [
          figure(agent.hotTokens, formats.count(agent.hotTokens)),
          figure(agent.diskTokens, formats.count(agent.diskTokens)),
        ]
      : h("td.there.dim", { colspan: 2, title: agent.server.address }, agentWords(agent, formats).place),
    figure(agent.diskBytes, formats.bytes(agent.diskBytes)),
  );
}
