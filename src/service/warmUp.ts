import { greedy, type ModelRunner, noPenalties, type SamplingParams, type SequenceStep } from "../engine/ports";

/** One row is decoded, two have the products of few rows, sixteen those of many. */
const rowCounts = [1, 2, 16];

/** Greedy ids are chosen on the device; the others need the logits. */
const samplings: readonly SamplingParams[] = [greedy, { ...greedy, temperature: 1 }];

/**
 * Runs a few steps: a GPU compiles its programs at their first use, which would cost the first answer up to a second. The pool
 * must be empty, and is afterwards.
 */
export async function warmUp(runner: ModelRunner): Promise<void> {
  const { blockTokens, maxContextTokens, totalBlocks, window } = runner.geometry;
  const numBlocks = Math.min(totalBlocks, window?.totalBlocks ?? totalBlocks);
  for (const wanted of rowCounts) {
    const rows = Math.min(wanted, numBlocks * blockTokens, maxContextTokens);
    const blocks = [...Array(Math.ceil(rows / blockTokens)).keys()];
    for (const sampling of samplings) {
      const step: SequenceStep = {
        tokens: new Int32Array(rows),
        start: 0,
        table: blocks,
        ...(window === undefined ? {} : { windowTable: blocks.map((block) => totalBlocks + block) }),
        wantToken: true,
        sampling,
        penalties: noPenalties,
        stopIds: [],
        lookupIds: new Int32Array(0),
      };
      await runner.run([step], { steps: 1, onTokens: () => {}, onFailed: () => {}, cancelled: () => false });
    }
  }
}
