import { repetitionWindowTokens } from "../../../src/common/samplingRanges";
import { at } from "../../../src/engine/invariant";
import { type Grammar, greedy, type PenaltyCounts, type SamplingParams, type TokenId } from "../../../src/engine/ports";
import { FakeGrammar, FakeGrammarState } from "./fakeGrammar";

/** The fake device's arithmetic, and the same answer computed without blocks, batches or chunks. */

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function digest(values: readonly number[], seed: number): number {
  return values.reduce(mix, seed);
}

/** The contents of the slot of `token`, given the slots before it. */
export function slotValue(before: readonly number[], token: TokenId, position: number): number {
  return mix(mix(digest(before, 17), token), position);
}

export function nextToken(
  context: readonly number[],
  sampling: SamplingParams,
  answer: AnswerSoFar,
  vocabSize: number,
  /** The ids that a grammar leaves to choose among. */
  allowed?: readonly TokenId[],
): TokenId {
  const seed = sampling.temperature > 0 ? sampling.seed : 0;
  const recent = sampling.repetitionPenalty === 1 ? [] : answer.recentIds;
  const isCounting = sampling.presencePenalty !== 0 || sampling.frequencyPenalty !== 0;
  const counted = isCounting ? [...answer.counts].sort(([a], [b]) => a - b).flat() : [];
  const drawn = mix(digest([...context, ...recent, ...counted], 29), seed);
  return allowed === undefined ? drawn % vocabSize : at(allowed, drawn % allowed.length);
}

/** The counts for the penalties. */
export class AnswerSoFar {
  recentIds: TokenId[] = [];
  readonly counts = new Map<TokenId, number>();

  add(id: TokenId): void {
    this.recentIds = [...this.recentIds, id].slice(-repetitionWindowTokens);
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  static from({ recentIds, ids, counts }: PenaltyCounts): AnswerSoFar {
    const answer = new AnswerSoFar();
    answer.recentIds = [...recentIds];
    ids.forEach((id, index) => {
      answer.counts.set(id, counts[index] ?? 0);
    });
    return answer;
  }
}

export interface ReferenceRequest {
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly stopIds?: readonly TokenId[];
  readonly sampling?: SamplingParams;
  readonly grammar?: Grammar;
}

/** The answer that a request must get, independent of how it is run. */
export function referenceAnswer(request: ReferenceRequest, vocabSize: number): TokenId[] {
  const { maxTokens, stopIds = [], sampling = greedy } = request;
  const ids = [...request.tokens];
  const values: number[] = [];
  const answer: TokenId[] = [];
  const counted = new AnswerSoFar();
  const state = request.grammar instanceof FakeGrammar ? new FakeGrammarState(request.grammar, stopIds, []) : undefined;
  while (answer.length < maxTokens) {
    for (let position = values.length; position < ids.length; position += 1) {
      values.push(slotValue(values, ids[position] ?? 0, position));
    }
    const id = nextToken(values, sampling, counted, vocabSize, state?.allowed);
    answer.push(id);
    state?.add(id);
    counted.add(id);
    ids.push(id);
    if (stopIds.includes(id)) break;
  }
  return answer;
}
