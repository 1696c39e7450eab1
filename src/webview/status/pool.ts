import type { Formats } from "../../common/format";
import type { AgentSummary, PoolStatus } from "../../protocol/service";
import { agentColour } from "../shared/agentColour";
import { barPart } from "../shared/bars";
import { plural } from "../shared/progress";
import { h, type TreeNode } from "../shared/tree";
import { blocksByAgent, blocksPerCell, type Cell, mapCells } from "./blockMap";
import { pane } from "./pane";

const reusableFill = "color-mix(in srgb, var(--vscode-charts-foreground) 34%, transparent)";

export function poolView(pool: PoolStatus, agents: readonly AgentSummary[], formats: Formats): TreeNode {
  const { totalBlocks, usedBlocks, reusableBlocks, freeBlocks, map } = pool;
  const perCell = blocksPerCell(totalBlocks);
  const known = new Map(agents.map((agent) => [agent.id, agent]));
  const shares = [...blocksByAgent(map)].map(([id, blocks]) => ({ blocks, agent: known.get(id) }));
  // Blocks that belong to no agent in the list: those of a one-off answer or of a benchmark.
  const others = shares.reduce((sum, { agent, blocks }) => (agent === undefined ? sum + blocks : sum), 0);
  const parts = [
    ...shares.flatMap(({ agent, blocks }) => (agent === undefined ? [] : [`${agent.name} ${formats.count(blocks)}`])),
    ...(others === 0 ? [] : [`others ${formats.count(others)}`]),
  ];
  const rest = `reusable ${formats.count(reusableBlocks)}, free ${formats.count(freeBlocks)}`;
  return pane(
    { title: "Block pool", hint: `${formats.count(usedBlocks)} of ${formats.count(totalBlocks)}` },
    h(
      "div.bar",
      {
        role: "img",
        "aria-label": `Pool: ${plural(usedBlocks, "block", formats)} used, ${rest}`,
      },
      shares.map(({ agent, blocks }) => barPart(blocks / totalBlocks, { fill: hue(agent) })),
      barPart(reusableBlocks / totalBlocks, { fill: reusableFill }),
    ),
    legend(pool, perCell, formats),
    h(
      "div.map",
      {
        role: "img",
        "aria-label": `Block map, ${plural(totalBlocks, "block", formats)}: ${[...parts, rest].join(", ")}`,
      },
      mapCells(map, perCell).map((cell) => cellView(cell, known)),
    ),
  );
}

function hue(agent: AgentSummary | undefined): string {
  return agent ? agentColour(agent.index)["--c"] : "var(--vscode-charts-foreground)";
}

function legend(pool: PoolStatus, perCell: number, formats: Formats): TreeNode {
  const hasShared = pool.map.some(({ kind }) => kind === "shared");
  return h(
    "ul.legend.small.num",
    {},
    h("li", {}, h("b", {}, formats.count(pool.usedBlocks)), "used"),
    hasShared && h("li", {}, h("i.shared"), "shared"),
    h("li", {}, h("i.r"), `${formats.count(pool.reusableBlocks)} reusable`),
    h("li", {}, h("i.f"), `${formats.count(pool.freeBlocks)} free`),
    h("li.dim", {}, `${formats.count(pool.blockTokens)} tokens, ${formats.bytes(pool.blockBytes)} each`),
    pool.window &&
      h(
        "li.dim",
        { title: "Layers that see only the last tokens keep those in blocks of their own." },
        `windows: ${formats.count(pool.window.usedBlocks)} of ${formats.count(pool.window.totalBlocks)} blocks used`,
      ),
    pool.reduced &&
      h("li", {}, `smaller than the ${formats.bytes(pool.reduced.wantedBytes)} wanted: ${pool.reduced.reason}`),
    perCell > 1 && h("li.dim", {}, `one cell is ${formats.count(perCell)} blocks`),
  );
}

/** Cells share a few objects, so that the patch skips those that did not change. */
const cellNodes = new Map<string, TreeNode>();

function cellView({ kind, agent }: Cell, known: ReadonlyMap<string, AgentSummary>): TreeNode {
  const fill = kind === "agent" || kind === "shared" ? hue(known.get(agent ?? "")) : "";
  const key = `${kind} ${fill}`;
  const kept = cellNodes.get(key);
  if (kept) return kept;
  const className = { agent: undefined, shared: "shared", reusable: "r", free: "f" }[kind];
  const node = h("i", { class: className, style: fill === "" ? {} : { "--c": fill } });
  cellNodes.set(key, node);
  return node;
}
