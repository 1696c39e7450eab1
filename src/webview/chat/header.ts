import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { AgentSampling, AgentSummary } from "../../protocol/service";
import { barPart } from "../shared/bars";
import { tierDot, tierNames } from "../shared/figures";
import { h, icon, type TreeNode } from "../shared/tree";
import { contextUse, runningTurn } from "./derived";

export function headerView(snapshot: ChatSnapshot, formats: Formats, run: (command: ChatCommand) => void): TreeNode {
  const { agent, turns, readOnly } = snapshot;
  const running = runningTurn(snapshot) !== undefined;
  const tool = (label: string, title: string, name: string, enabled: boolean, command: ChatCommand) =>
    h(
      "button.icon-btn",
      { "aria-label": label, title, disabled: !enabled, on: { click: () => run(command) } },
      icon(name),
    );
  const has = turns.length > 0;
  return h(
    "header.head",
    {},
    h(
      "div.row.who",
      {},
      h("h1.cut", {}, agent.name),
      h("span.model.cut", { title: "Model of this agent" }, agent.modelName),
      agent.sampling && h("span.model.cut", { title: samplingTitle(agent.sampling) }, "own sampling"),
      tierChip(agent, formats),
    ),
    h("span.grow.hide-s"),
    contextMeter(snapshot, formats),
    h(
      "div.tools",
      { role: "toolbar", "aria-label": "Agent actions" },
      tool("Fork agent", "Fork Agent", "repo-forked", has && !running, { type: "fork" }),
      tool("Rewind", "Rewind…", "discard", has && !running && !readOnly, { type: "rewind" }),
      tool("Stop", "Stop (Esc)", "debug-stop", running, { type: "stop" }),
    ),
  );
}

function samplingTitle(sampling: AgentSampling): string {
  const parts = Object.entries(sampling).map(([name, value]) => `${name} ${value}`);
  return `Sampling of this agent: ${parts.join(", ")}`;
}

function tierChip(agent: AgentSummary, formats: Formats): TreeNode {
  const busy = agent.state !== "idle";
  return h(
    "span.chip",
    { title: tierTitle(agent, formats) },
    tierDot(agent.tier, { busy }),
    agent.state === "restoring" ? "Restoring" : tierNames[agent.tier],
  );
}

function tierTitle({ tier, tokens, hotTokens, diskTokens }: AgentSummary, formats: Formats): string {
  switch (tier) {
    case "hot":
      return `Hot: ${formats.count(hotTokens)} tokens are in memory. The next turn reads only new tokens.`;
    case "warm":
      return `Warm: ${formats.count(diskTokens)} tokens are on disk and are restored before the next turn.`;
    case "cold":
      return tokens === 0
        ? "Cold: nothing has been read yet."
        : `Cold: the next turn reads all ${formats.count(tokens)} tokens.`;
  }
}

function contextMeter(snapshot: ChatSnapshot, formats: Formats): TreeNode | undefined {
  const { used, total, level } = contextUse(snapshot);
  if (total === 0) return undefined;
  const words = `${formats.count(used)} of ${formats.count(total)} tokens`;
  const left = Math.max(0, total - used);
  return h(
    "div.ctx.num",
    {
      role: "meter",
      "aria-label": "Context used",
      "aria-valuemin": 0,
      "aria-valuemax": total,
      "aria-valuenow": Math.min(used, total),
      "aria-valuetext": words,
      title: words,
      class: level === "open" ? undefined : "near",
    },
    h("span.bar", {}, barPart(used / total)),
    level === "open"
      ? h("span", {}, formats.count(used), " ", h("span.dim", {}, `of ${formats.count(total)}`))
      : h("span", {}, icon("warning", "warn"), level === "full" ? " context full" : ` ${formats.count(left)} left`),
  );
}
