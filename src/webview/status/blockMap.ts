/** The pool as a grid of cells. Pure. */
import type { AgentId, PoolStatus } from "../../protocol/service";

export type BlockRun = PoolStatus["map"][number];
export type BlockKind = BlockRun["kind"];

export interface Cell {
  readonly kind: BlockKind;
  readonly agent?: AgentId;
}

/** More cells take time to draw and are too small to read. */
export const maxCells = 1024;

/** Blocks that one cell stands for: 1, 2, 4 …, so that at most `maxCells` are drawn. */
export function blocksPerCell(totalBlocks: number): number {
  let blocks = 1;
  while (Math.ceil(totalBlocks / blocks) > maxCells) blocks *= 2;
  return blocks;
}

/** Where kinds share a cell evenly, the heaviest is shown: used blocks must not disappear. */
const weight: Readonly<Record<BlockKind, number>> = { agent: 3, shared: 2, reusable: 1, free: 0 };

/** One cell for every `perCell` blocks in id order; a cell shows what most of its blocks are. */
export function mapCells(map: readonly BlockRun[], perCell: number): readonly Cell[] {
  const cells: Cell[] = [];
  let counts = new Map<string, { readonly cell: Cell; blocks: number }>();
  let filled = 0;
  const close = () => {
    const winner = [...counts.values()].sort(
      (a, b) => b.blocks - a.blocks || weight[b.cell.kind] - weight[a.cell.kind],
    )[0];
    if (winner) cells.push(winner.cell);
    counts = new Map();
    filled = 0;
  };
  for (const { kind, agent, count } of map) {
    const key = `${kind} ${agent ?? ""}`;
    for (let left = count; left > 0; ) {
      const taken = Math.min(left, perCell - filled);
      const entry = counts.get(key) ?? { cell: agent === undefined ? { kind } : { kind, agent }, blocks: 0 };
      counts.set(key, { cell: entry.cell, blocks: entry.blocks + taken });
      filled += taken;
      left -= taken;
      if (filled === perCell) close();
    }
  }
  if (filled > 0) close();
  return cells;
}

/** Blocks of each agent, shared ones at the agent that had them first, in the order of the map. */
export function blocksByAgent(map: readonly BlockRun[]): ReadonlyMap<AgentId, number> {
  const blocks = new Map<AgentId, number>();
  for (const { agent, count, kind } of map) {
    if (agent !== undefined && (kind === "agent" || kind === "shared"))
      blocks.set(agent, (blocks.get(agent) ?? 0) + count);
  }
  return blocks;
}
