import { InvalidRequestError } from "../../../src/common/errors";
import type { BlockId, PoolGeometry, SequenceStep } from "../../../src/engine/ports";

/** What every device may rely on: rows fit their tables, and no row writes a block that another row's table names. */
export function checkRows(rows: readonly SequenceStep[], steps: number, geometry: PoolGeometry): void {
  for (const row of rows) checkFit(row, steps, geometry);
  rows.forEach((row, index) => {
    const written = writtenBlocks(row, steps, geometry);
    for (const [other, { table }] of rows.entries()) {
      if (other !== index && table.some((block) => written.includes(block))) {
        throw new Error("two rows of a step share a block that one of them writes");
      }
    }
  });
}

/** Blocks that a run of `steps` steps may write for the row, guesses included. */
export function writtenBlocks(row: SequenceStep, steps: number, { blockTokens }: PoolGeometry): readonly BlockId[] {
  return row.table.slice(Math.floor(row.start / blockTokens), Math.ceil(endOf(row, steps) / blockTokens));
}

function checkFit(row: SequenceStep, steps: number, { blockTokens, totalBlocks }: PoolGeometry): void {
  const end = endOf(row, steps);
  const good =
    row.tokens.length > 0 &&
    row.table.length * blockTokens >= end &&
    new Set(row.table).size === row.table.length &&
    row.table.every((block) => block >= 0 && block < totalBlocks);
  if (!good) throw new InvalidRequestError("a row does not fit its table", "fix the engine", { end });
}

function endOf(row: SequenceStep, steps: number): number {
  return row.start + row.tokens.length + (row.wantToken ? steps - 1 : 0);
}
