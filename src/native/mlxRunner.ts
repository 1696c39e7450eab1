import { Emitter, type Event } from "../common/events";
import type {
  AnswerGrammar,
  BlockId,
  Grammar,
  GrammarText,
  ModelRunner,
  PoolGeometry,
  RunnerToken,
  RunOptions,
  SamplingParams,
  SequenceStep,
} from "../engine/ports";
import type { NativeModelInfo, NativePool, NativeSampling, SampledToken, StepBatch } from "./binding";
import { nativeError } from "./errors";
import { isNative, type NativeGrammars } from "./grammars";

/** Counters of a runner, for the status view and the benchmarks. */
export interface RunnerCounters {
  readonly runs: number;
  readonly stepMs: number;
  /** Slabs that MLX copied instead of updating in place: 0 unless something is wrong. */
  readonly movedSlabs: number;
  /** Sequences attended through a zero-copy view and through a gather, summed over steps. */
  readonly viewSequences: number;
  readonly gatheredSequences: number;
  /** Guessed tokens, and how many of them were right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Tokens that grammars left no choice about. */
  readonly forcedTokens: number;
}

/** A run of steps on the device. */
export interface RunFigures {
  readonly sequences: number;
  /** Rows of the first step: as many as sequences when all of them decode. */
  readonly rows: number;
  readonly steps: number;
  /** Milliseconds inside native steps. */
  readonly deviceMs: number;
}

/** The engine's device over a native pool. */
export class MlxRunner implements ModelRunner {
  readonly geometry: PoolGeometry;
  private readonly ran = new Emitter<RunFigures>();
  private totals: RunnerCounters = {
    runs: 0,
    stepMs: 0,
    movedSlabs: 0,
    viewSequences: 0,
    gatheredSequences: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
    forcedTokens: 0,
  };

  /** `grammars`: compiles them for the pool's model; without, the runner has none. */
  constructor(
    private readonly pool: NativePool,
    info: Pick<NativeModelInfo, "maxContextTokens" | "vocabSize" | "window">,
    private readonly grammars?: NativeGrammars,
  ) {
    this.geometry = {
      totalBlocks: pool.blocks,
      blockTokens: pool.blockTokens,
      maxContextTokens: info.maxContextTokens,
      vocabSize: info.vocabSize,
      ...(pool.windowBlocks === undefined || info.window === undefined
        ? {}
        : { window: { tokens: info.window.tokens, totalBlocks: pool.windowBlocks } }),
    };
  }

  get counters(): RunnerCounters {
    return this.totals;
  }

  get onRun(): Event<RunFigures> {
    return this.ran.event;
  }

  get movedSlabs(): number {
    return this.totals.movedSlabs;
  }

  get draftedTokens(): number {
    return this.totals.draftedTokens;
  }

  get acceptedTokens(): number {
    return this.totals.acceptedTokens;
  }

  async run(sequences: readonly SequenceStep[], options: RunOptions): Promise<void> {
    const batch = toBatch(sequences, options.steps);
    let steps = 0;
    const task = this.pool.run(batch, (tokens, failures) => {
      steps += 1;
      options.onTokens(tokens.map(toRunnerToken));
      for (const { sequence, code, what, facts } of failures) {
        options.onFailed(sequence, nativeError(code, what, facts));
      }
      if (options.cancelled()) task.cancel();
    });
    const stats = await task.result;
    // Only a sequence that is alone is guessed for.
    if (sequences.length === 1 && stats.acceptedTokens > 0) options.onGuessed?.(stats.acceptedTokens);
    const { totals } = this;
    this.totals = {
      runs: totals.runs + 1,
      stepMs: totals.stepMs + stats.stepMs,
      movedSlabs: totals.movedSlabs + stats.movedSlabs,
      viewSequences: totals.viewSequences + stats.viewSequences,
      gatheredSequences: totals.gatheredSequences + stats.gatheredSequences,
      draftedTokens: totals.draftedTokens + stats.draftedTokens,
      acceptedTokens: totals.acceptedTokens + stats.acceptedTokens,
      forcedTokens: totals.forcedTokens + stats.forcedTokens,
    };
    this.ran.fire({ sequences: sequences.length, rows: batch.tokens.length, steps, deviceMs: stats.stepMs });
  }

  copyBlock(from: BlockId, to: BlockId, tokens: number): Promise<void> {
    return this.pool.copyBlock(from, to, tokens);
  }

  async compileGrammar(text: GrammarText): Promise<Grammar> {
    if (this.grammars === undefined) {
      throw nativeError("INVALID_REQUEST", "this runner was made without a compiler of grammars", {});
    }
    return this.grammars.compile(text);
  }
}

export function toBatch(sequences: readonly SequenceStep[], steps: number): StepBatch {
  return {
    tokens: concatenate(sequences.map(({ tokens }) => tokens)),
    tokenCounts: Int32Array.from(sequences, ({ tokens }) => tokens.length),
    starts: Int32Array.from(sequences, ({ start }) => start),
    tables: concatenate(sequences.flatMap(tablesOf)),
    tableLengths: Int32Array.from(sequences.flatMap(tablesOf), (table) => table.length),
    wantToken: Uint8Array.from(sequences, ({ wantToken }) => (wantToken ? 1 : 0)),
    sampling: sequences.map(toNativeSampling),
    steps,
  };
}

function tablesOf({ table, windowTable }: SequenceStep): readonly (readonly BlockId[])[] {
  return windowTable === undefined ? [table] : [table, windowTable];
}

function concatenate(parts: readonly ArrayLike<number>[]): Int32Array {
  const all = new Int32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function toNativeSampling(step: SequenceStep): NativeSampling {
  const { sampling, penalties, stopIds, constraint, lookupIds, guesser } = step;
  return {
    temperature: sampling.temperature,
    topK: sampling.topK,
    topP: sampling.topP,
    minP: sampling.minP,
    repetitionPenalty: sampling.repetitionPenalty,
    presencePenalty: sampling.presencePenalty,
    frequencyPenalty: sampling.frequencyPenalty,
    seedLow: sampling.seed % 2 ** 32,
    seedHigh: Math.floor(sampling.seed / 2 ** 32),
    ...biasOf(sampling),
    recentIds: penalties.recentIds,
    answerIds: penalties.ids,
    answerCounts: penalties.counts,
    stopIds: Int32Array.from(stopIds),
    lookupIds,
    ...(guesser === undefined ? {} : { guesser }),
    logprobs: sampling.logprobs,
    ...(constraint === undefined ? {} : toNativeGrammar(constraint)),
  };
}

function toNativeGrammar({ grammar, answerIds }: AnswerGrammar): Pick<NativeSampling, "grammar" | "grammarIds"> {
  if (!isNative(grammar)) throw nativeError("INVALID_REQUEST", "the grammar is one of another device", {});
  return { grammar, grammarIds: answerIds };
}

function biasOf({ logitBias }: SamplingParams): Pick<NativeSampling, "biasIds" | "biasValues"> {
  return { biasIds: Int32Array.from(logitBias.keys()), biasValues: Float32Array.from(logitBias.values()) };
}

function toRunnerToken({ sequence, id, logprob, topIds, topLogprobs }: SampledToken): RunnerToken {
  if (logprob === undefined) return { sequence, id };
  if (topIds === undefined || topLogprobs === undefined) return { sequence, id, logprob };
  const top = Array.from(topIds, (topId, i) => ({ id: topId, logprob: topLogprobs[i] ?? Number.NEGATIVE_INFINITY }));
  return { sequence, id, logprob, top };
}
