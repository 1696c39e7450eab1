import { BlockPool } from "../engine/blockPool";
import type { BlockId } from "../engine/ports";
import type { BenchRow } from "../protocol/service";
import { seeded } from "./benchText";
import { percentiles } from "./statistics";

const nsPerMs = 1e6;

/** Amortised time of allocate, publish, lookup and release in a pool of `totalBlocks`. The target is 1 µs each. */
export function poolOperationRows(totalBlocks: number, rounds: number): readonly BenchRow[] {
  const times = { allocate: [] as number[], publish: [] as number[], lookup: [] as number[], release: [] as number[] };
  const keys = Array.from({ length: totalBlocks }, (_, i) => `key ${i}`);
  for (let round = 0; round < rounds; round += 1) {
    const pool = new BlockPool({ totalBlocks, blockTokens: 64 });
    const blocks: BlockId[] = [];
    const timed = (name: keyof typeof times, work: () => void) => {
      const startedMs = performance.now();
      work();
      times[name].push((performance.now() - startedMs) / totalBlocks);
    };
    timed("allocate", () => {
      while (blocks.length < totalBlocks) blocks.push(...pool.allocate(Math.min(16, totalBlocks - blocks.length)));
    });
    timed("publish", () => {
      for (const [i, block] of blocks.entries()) pool.publish(block, keys[i] ?? "");
    });
    timed("lookup", () => {
      for (const key of keys) pool.lookup(key);
    });
    timed("release", () => {
      for (const block of blocks) pool.release(block);
    });
  }
  return Object.entries(times).map(([name, ms]) => ({
    case: `pool: ${name}, one of ${totalBlocks} blocks`,
    ...percentiles(ms),
    targetMs: 1000 / nsPerMs,
  }));
}

interface Sequence {
  readonly blocks: BlockId[];
  stepsLeft: number;
}

/**
 * The share of decode steps whose blocks follow each other, so that stock operations read them without a copy, under
 * churn: sequences of all lengths come, grow, and go, for as many steps as an hour has at 30 a second. Seeded.
 */
export function churnRow(totalBlocks: number, steps: number): BenchRow {
  const pool = new BlockPool({ totalBlocks, blockTokens: 64 });
  const random = seeded(20_261_126);
  let sequences: Sequence[] = [];
  let decoded = 0;
  let inOneRun = 0;
  const startedMs = performance.now();
  for (let step = 0; step < steps; step += 1) {
    const prompt = 4 + Math.floor(random() * 60);
    if (sequences.length < 8 && random() < 0.05 && prompt + 8 <= pool.availableBlocks) {
      sequences.push({ blocks: pool.allocate(prompt), stepsLeft: 30 + Math.floor(random() * 500) });
    }
    for (const sequence of sequences) {
      decoded += 1;
      inOneRun += isOneRun(sequence.blocks) ? 1 : 0;
      sequence.stepsLeft -= 1;
      if (sequence.stepsLeft % 64 !== 0 || pool.availableBlocks === 0) continue;
      sequence.blocks.push(...pool.allocate(1, sequence.blocks.at(-1)));
    }
    for (const { blocks } of sequences.filter(({ stepsLeft }) => stepsLeft <= 0)) pool.releaseFrom(blocks, 0);
    sequences = sequences.filter(({ stepsLeft }) => stepsLeft > 0);
  }
  return {
    case: `blocks in one run under churn, pool of ${totalBlocks}`,
    ...percentiles([(performance.now() - startedMs) / Math.max(1, steps)]),
    n: steps,
    share: inOneRun / Math.max(1, decoded),
  };
}

function isOneRun(blocks: readonly BlockId[]): boolean {
  return blocks.every((block, i) => i === 0 || block === (blocks[i - 1] ?? 0) + 1);
}
