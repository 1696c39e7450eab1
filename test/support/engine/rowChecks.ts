import { InvalidRequestError } from "../../../src/common/errors";
import type { BlockId, PoolGeometry, SequenceStep } from "../../../src/engine/ports";
import { firstBlockSeen } from "../../../src/engine/windowMath";

/** Checks what every device may rely on: rows fit their tables, and no row writes a block of another row's tables. */
export function checkRows(rows: readonly SequenceStep[], steps: number, geometry: PoolGeometry): void {
  for (const row of rows) checkFit(row, steps, geometry);
  rows.forEach((row, index) => {
    const written = writtenBlocks(row, steps, geometry);
    for (const [other, theirs] of rows.entries()) {
      if (other !== index && tablesOf(theirs).some((table) => table.some((block) => written.includes(block)))) {
        throw new Error("two rows of a step share a block that one of them writes");
      }
    }
  });
}

/** Blocks that a run of `steps` steps may write for the row, guesses included. */
export function writtenBlocks(row: SequenceStep, steps: number, { blockTokens }: PoolGeometry): readonly BlockId[] {
  const [first, end] = [Math.floor(row.start / blockTokens), Math.ceil(endOf(row, steps) / blockTokens)];
  return tablesOf(row).flatMap((table) => table.slice(first, end));
}

function checkFit(row: SequenceStep, steps: number, geometry: PoolGeometry): void {
  const { blockTokens, totalBlocks, window } = geometry;
  const end = endOf(row, steps);
  const good =
    row.tokens.length > 0 &&
    row.table.length * blockTokens >= end &&
    new Set(row.table).size === row.table.length &&
    row.table.every((block) => block >= 0 && block < totalBlocks) &&
    (row.windowTable === undefined) === (window === undefined) &&
    windowFits(row, end, geometry);
  if (!good) throw new InvalidRequestError("a row does not fit its table", "fix the engine", { end });
}

function windowFits({ windowTable, start }: SequenceStep, end: number, geometry: PoolGeometry): boolean {
  const { blockTokens, totalBlocks, window } = geometry;
  if (windowTable === undefined || window === undefined) return true;
  const seen = windowTable.slice(firstBlockSeen(start, window, blockTokens));
  return (
    windowTable.length * blockTokens >= end &&
    new Set(seen).size === seen.length &&
    seen.every((block) => block >= totalBlocks && block < totalBlocks + window.totalBlocks)
  );
}

function tablesOf({ table, windowTable = [] }: SequenceStep): readonly (readonly BlockId[])[] {
  return [table, windowTable];
}

function endOf(row: SequenceStep, steps: number): number {
  return row.start + row.tokens.length + (row.wantToken ? steps - 1 : 0);
}
