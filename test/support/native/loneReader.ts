import { readFile } from "node:fs/promises";
import { AnswerCounts } from "../../../src/engine/answerCounts";
import { type BlockId, greedy, noBlock, noPenalties, type SequenceStep, type TokenId } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import type { NativeModelInfo, NativePool } from "../../../src/native/binding";
import { MlxRunner } from "../../../src/native/mlxRunner";
import type { TrueAnswer } from "../engine/world/device";

const none = new Int32Array(0);

function failAll(sequence: number, error: Error): void {
  throw new Error(`sequence ${sequence} failed: ${error.message}`);
}

/**
 * Block ids in order: those of all layers without a window, then, if they have their own, those of the window layers.
 */
export interface Tables {
  readonly table: readonly BlockId[];
  readonly windowTable?: readonly BlockId[];
}

/** Computes reference answers: alone, in its own blocks in order, the prompt as one chunk, then one token per run. */
export class LoneReader {
  private readonly runner: MlxRunner;

  constructor(
    private readonly pool: NativePool,
    info: NativeModelInfo,
    private readonly tables: Tables,
    /** Folder for bytes that are read out of the pool. */
    private readonly scratchFile: string,
  ) {
    this.runner = new MlxRunner(pool, info);
  }

  async answer({ tokens, maxTokens, sampling, stopIds, grammar }: GenerationRequest): Promise<TrueAnswer> {
    const counts = new AnswerCounts();
    const ids = [...tokens];
    const logprobs: number[] = [];
    for (let start = 0; ids.length < tokens.length + maxTokens; ) {
      const said = Int32Array.from(ids.slice(tokens.length));
      const step = {
        tokens: Int32Array.from(ids.slice(start)),
        start,
        sampling,
        penalties: counts.view(),
        ...(grammar === undefined ? {} : { stopIds, constraint: { grammar, answerIds: said } }),
      };
      start = ids.length;
      const { id, logprob } = await this.run(step);
      ids.push(id);
      counts.add(id);
      if (logprob !== undefined) logprobs.push(logprob);
      if (stopIds.includes(id)) break;
    }
    return { tokenIds: ids.slice(tokens.length), ...(sampling.logprobs === 0 ? {} : { logprobs }) };
  }

  /** Whether the blocks of the tables hold what the same tokens leave here. */
  async agrees(tokens: Int32Array, { table, windowTable = [] }: Tables): Promise<boolean> {
    if (tokens.length === 0) return true;
    const row = { ...this.row, tokens, wantToken: false };
    await this.runner.run([row], { steps: 1, onTokens: () => {}, onFailed: failAll, cancelled: () => false });
    return (
      (await this.sameBytes(tokens.length, this.tables.table, table)) &&
      (await this.sameBytes(tokens.length, this.tables.windowTable ?? [], windowTable))
    );
  }

  private async sameBytes(numTokens: number, mine: readonly BlockId[], theirs: readonly BlockId[]): Promise<boolean> {
    const { blockTokens } = this.pool;
    for (const [index, block] of theirs.entries()) {
      if (block === noBlock) continue;
      const tokens = Math.min(blockTokens, numTokens - index * blockTokens);
      const expected = await this.bytesOf(mine[index] ?? noBlock, tokens);
      if (!expected.equals(await this.bytesOf(block, tokens))) return false;
    }
    return true;
  }

  private async bytesOf(block: BlockId, tokens: number): Promise<Buffer> {
    await this.pool.writeBlockFile({ block, tokens, path: this.scratchFile, metadata: {} });
    return readFile(this.scratchFile);
  }

  private async run(step: Partial<SequenceStep>): Promise<{ readonly id: TokenId; readonly logprob?: number }> {
    const sampled: { readonly id: TokenId; readonly logprob?: number }[] = [];
    await this.runner.run([{ ...this.row, ...step }], {
      steps: 1,
      onTokens: (tokens) => sampled.push(...tokens),
      onFailed: failAll,
      cancelled: () => false,
    });
    const [token] = sampled;
    if (token === undefined) throw new Error("a run that wants a token sampled none");
    return token;
  }

  private get row(): SequenceStep {
    return {
      tokens: none,
      start: 0,
      ...this.tables,
      wantToken: true,
      sampling: greedy,
      penalties: noPenalties,
      stopIds: [],
      lookupIds: none,
    };
  }
}
