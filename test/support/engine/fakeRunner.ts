import type { ResidentError } from "../../../src/common/errors";
import { classifyFailure } from "../../../src/engine/failure";
import { at } from "../../../src/engine/invariant";
import {
  type BlockId,
  type ModelRunner,
  noBlock,
  type PoolGeometry,
  type RunnerToken,
  type RunOptions,
  type SequenceStep,
  type TokenId,
} from "../../../src/engine/ports";
import { FakeGrammarState } from "./fakeGrammar";
import { AnswerSoFar, nextToken, slotValue } from "./fakeModel";
import { checkRows } from "./rowChecks";

/**
 * A device without a model. A slot holds a digest of its token, its position and every slot before it, all read back
 * through the block table, and the next token is a digest of the same: a wrong slot, a wrong table, a missed copy or a
 * stale block changes the text. Unwritten slots contain garbage.
 */
export class FakeRunner implements ModelRunner {
  /** Called before each step of every run. */
  beforeStep: (step: number) => void | Promise<void> = () => {};
  /** Whether a block may be written; the pool knows. */
  mayWrite: (block: BlockId) => boolean = () => true;
  /** Thrown once, by the next run or copy. */
  failNext: { readonly in: "run" | "copy"; readonly error: Error } | undefined;
  /** Makes the sampling of one row fail at this step of a run; the other rows continue. */
  failSampling: (row: SequenceStep, step: number) => ResidentError | undefined = () => undefined;
  readonly batches: { readonly rows: readonly SequenceStep[]; readonly steps: number }[] = [];
  copies = 0;
  computedTokens = 0;
  guessedTokens = 0;
  private readonly slots: Uint32Array;
  private rubbish = 0x5eed;

  constructor(readonly geometry: PoolGeometry) {
    const blocks = geometry.totalBlocks + (geometry.window?.totalBlocks ?? 0);
    this.slots = new Uint32Array(blocks * geometry.blockTokens);
    this.spoil();
  }

  /** Fills every slot with garbage, as after a failure of the device. */
  spoil(): void {
    this.slots.forEach((_, slot) => {
      this.rubbish = (Math.imul(this.rubbish, 1664525) + 1013904223) >>> 0;
      this.slots[slot] = this.rubbish;
    });
  }

  /**
   * Where a grammar leaves one id, that id is computed in the same step and told in it, before what is sampled behind it.
   *
   * If ids are given for guesses, 0 to 2 of them count as right at every step, and after them the leftovers of a wrong
   * guess are written.
   */
  async run(rows: readonly SequenceStep[], options: RunOptions): Promise<void> {
    const { steps, onTokens, onFailed, cancelled } = options;
    await Promise.resolve();
    this.throwPlanned("run");
    checkRows(rows, steps, this.geometry);
    this.batches.push({ rows: rows.map((row) => ({ ...row, tokens: row.tokens.slice() })), steps });
    const state = rows.map((row) => ({
      row,
      tokens: [...row.tokens],
      start: row.start,
      live: true,
      sampled: 0,
      answer: AnswerSoFar.from(row.penalties),
      grammar: row.wantToken ? FakeGrammarState.of(row.constraint, row.stopIds) : undefined,
    }));
    for (let step = 0; step < steps; step += 1) {
      await this.beforeStep(step);
      if (step > 0 && cancelled()) return;
      const sampled: RunnerToken[] = [];
      for (const [index, sequence] of state.entries()) {
        if (!sequence.live) continue;
        const { row } = sequence;
        const guessed = row.lookupIds.length === 0 ? 0 : (row.lookupIds.length + step) % 3;
        for (let taken = 0; sequence.live && taken <= guessed; taken += 1) {
          const { grammar } = sequence;
          const forced = grammar?.forced(steps - sequence.sampled - 1) ?? [];
          for (const token of [...sequence.tokens, ...forced]) this.append(row, sequence.start++, token);
          sequence.live = row.wantToken;
          if (!row.wantToken) break;
          const tell = (id: TokenId) => {
            sampled.push({ sequence: index, id });
            sequence.sampled += 1;
            sequence.answer.add(id);
            grammar?.add(id);
          };
          forced.forEach(tell);
          const failure = this.failSampling(row, step);
          if (failure !== undefined) {
            sequence.live = false;
            onFailed(index, failure);
            break;
          }
          const context = this.context(row.table, sequence.start);
          const { vocabSize } = this.geometry;
          const id = nextToken(context, row.sampling, sequence.answer, vocabSize, grammar?.allowed);
          tell(id);
          if (taken > 0) {
            this.guessedTokens += 1;
            options.onGuessed?.(1);
          }
          sequence.tokens = [id];
          if (row.stopIds.includes(id) || sequence.sampled === steps) sequence.live = false;
        }
        if (guessed > 0 && sequence.live) this.append(row, sequence.start, 0);
      }
      if (sampled.length > 0) onTokens(sampled);
      await Promise.resolve();
      if (state.every((sequence) => !sequence.live)) return;
    }
  }

  async copyBlock(from: BlockId, to: BlockId, tokens: number): Promise<void> {
    await Promise.resolve();
    this.throwPlanned("copy");
    const { blockTokens } = this.geometry;
    this.copies += 1;
    this.slots.copyWithin(to * blockTokens, from * blockTokens, from * blockTokens + tokens);
  }

  /** Fills the block that starts at `start` as computing `tokens` would: stands for a restore from disk. */
  fill(block: BlockId, start: number, tokens: Int32Array, count: number): void {
    const values: number[] = [];
    for (let position = 0; position < start + count; position += 1) {
      values.push(slotValue(values, at(tokens, position), position));
    }
    values.slice(start).forEach((value, offset) => {
      this.slots[block * this.geometry.blockTokens + offset] = value;
    });
  }

  /** The contents of the block's slots as a text that `setContents` accepts. */
  contentsOf(block: BlockId): string {
    const { blockTokens } = this.geometry;
    return this.slots.subarray(block * blockTokens, (block + 1) * blockTokens).join(",");
  }

  setContents(block: BlockId, contents: string): void {
    this.slots.set(contents.split(",").map(Number), block * this.geometry.blockTokens);
  }

  /** Whether the slots of the table's blocks hold exactly what computing `tokens` leaves. */
  holds(table: readonly BlockId[], tokens: Int32Array): boolean {
    const { blockTokens } = this.geometry;
    const values: number[] = [];
    tokens.forEach((token, position) => {
      values.push(slotValue(values, token, position));
    });
    return values.every((value, position) => {
      const block = table[Math.floor(position / blockTokens)] ?? noBlock;
      return block === noBlock || this.read(table, position) === value;
    });
  }

  /** Window layers hold the same; a difference from the other layers changes the value. */
  private append({ table, windowTable }: SequenceStep, position: number, token: TokenId): void {
    const before = this.context(table, position);
    const wrong = windowTable !== undefined && !this.windowAgrees(windowTable, before, position);
    const value = slotValue(before, token, position) ^ (wrong ? 0x5bad : 0);
    this.write(table, position, value);
    if (windowTable !== undefined) this.write(windowTable, position, value);
    this.computedTokens += 1;
  }

  private write(table: readonly BlockId[], position: number, value: number): void {
    const { blockTokens } = this.geometry;
    const block = at(table, Math.floor(position / blockTokens));
    if (!this.mayWrite(block)) throw new Error(`block ${block} was written while others hold or may find it`);
    this.slots[block * blockTokens + (position % blockTokens)] = value >>> 0;
  }

  /** Whether the window of a token at `position` holds what the whole context ends with. */
  private windowAgrees(table: readonly BlockId[], before: readonly number[], position: number): boolean {
    const first = Math.max(0, position - (this.geometry.window?.tokens ?? 0) + 1);
    return before.slice(first).every((value, offset) => this.read(table, first + offset) === value);
  }

  private context(table: readonly BlockId[], tokens: number): readonly number[] {
    return Array.from({ length: tokens }, (_, position) => this.read(table, position));
  }

  private read(table: readonly BlockId[], position: number): number {
    const { blockTokens } = this.geometry;
    return at(this.slots, at(table, Math.floor(position / blockTokens)) * blockTokens + (position % blockTokens));
  }

  private throwPlanned(where: "run" | "copy"): void {
    const planned = this.failNext;
    if (planned?.in !== where) return;
    this.failNext = undefined;
    if (classifyFailure(planned.error).type === "unknown") this.spoil();
    throw planned.error;
  }
}
