import { readFile } from "node:fs/promises";
import { type BlockId, greedy, type SequenceStep, type TokenId } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import type { NativeModelInfo, NativePool } from "../../../src/native/binding";
import { MlxRunner } from "../../../src/native/mlxRunner";
import type { TrueAnswer } from "../engine/world/device";

const none = new Int32Array(0);

/** Answers as nobody else does: alone, in blocks of its own in order, the prompt as one chunk, then a token a run. */
export class LoneReader {
  private readonly runner: MlxRunner;

  constructor(
    private readonly pool: NativePool,
    info: NativeModelInfo,
    private readonly table: readonly BlockId[],
    /** For bytes on their way out of the pool. */
    private readonly scratchFile: string,
  ) {
    this.runner = new MlxRunner(pool, info);
  }

  async answer({ tokens, maxTokens, sampling, stopIds }: GenerationRequest): Promise<TrueAnswer> {
    const hasPenalties = sampling.repetitionPenalty !== 1;
    const ids = [...tokens];
    const logprobs: number[] = [];
    for (let start = 0; ids.length < tokens.length + maxTokens; ) {
      const penaltyIds = hasPenalties ? Int32Array.from(ids) : none;
      const step = { tokens: Int32Array.from(ids.slice(start)), start, sampling, penaltyIds };
      start = ids.length;
      const { id, logprob } = await this.run(step);
      ids.push(id);
      if (logprob !== undefined) logprobs.push(logprob);
      if (stopIds.includes(id)) break;
    }
    return { tokenIds: ids.slice(tokens.length), ...(sampling.logprobs === 0 ? {} : { logprobs }) };
  }

  /** What the blocks of `tokens` hold, bytes of block after block. */
  async blocksOf(tokens: Int32Array): Promise<readonly Buffer[]> {
    if (tokens.length === 0) return [];
    await this.runner.run([{ ...this.row, tokens, wantToken: false }], {
      steps: 1,
      onTokens: () => {},
      cancelled: () => false,
    });
    return this.bytesOf(this.table, tokens.length);
  }

  /** Of the first `numTokens` slots of a table. */
  async bytesOf(table: readonly BlockId[], numTokens: number): Promise<readonly Buffer[]> {
    const { blockTokens } = this.pool;
    const all: Buffer[] = [];
    for (let start = 0; start < numTokens; start += blockTokens) {
      const block = table[start / blockTokens] ?? -1;
      const tokens = Math.min(blockTokens, numTokens - start);
      await this.pool.writeBlockFile({ block, tokens, path: this.scratchFile, metadata: {} });
      all.push(await readFile(this.scratchFile));
    }
    return all;
  }

  private async run(step: Partial<SequenceStep>): Promise<{ readonly id: TokenId; readonly logprob?: number }> {
    const sampled: { readonly id: TokenId; readonly logprob?: number }[] = [];
    await this.runner.run([{ ...this.row, ...step }], {
      steps: 1,
      onTokens: (tokens) => sampled.push(...tokens),
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
      table: this.table,
      wantToken: true,
      sampling: greedy,
      penaltyIds: none,
      stopIds: [],
      lookupIds: none,
    };
  }
}
