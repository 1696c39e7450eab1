import { greedy, type SamplingParams, type TokenId } from "../../../src/engine/ports";

/** The fake device's arithmetic, and the same answer computed without blocks, batches or chunks. */

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function digest(values: readonly number[], seed: number): number {
  return values.reduce(mix, seed);
}

/** What the slot of `token` holds, given those before it. */
export function slotValue(before: readonly number[], token: TokenId, position: number): number {
  return mix(mix(digest(before, 17), token), position);
}

export function nextToken(
  context: readonly number[],
  sampling: SamplingParams,
  penaltyIds: Int32Array,
  vocabSize: number,
): TokenId {
  const seed = sampling.temperature > 0 ? sampling.seed : 0;
  return mix(digest([...context, ...penaltyIds], 29), seed) % vocabSize;
}

export interface ReferenceRequest {
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly stopIds?: readonly TokenId[];
  readonly sampling?: SamplingParams;
}

/** The answer that a request must get, however it is run. */
export function referenceAnswer(request: ReferenceRequest, vocabSize: number): TokenId[] {
  const { maxTokens, stopIds = [], sampling = greedy } = request;
  const ids = [...request.tokens];
  const values: number[] = [];
  const answer: TokenId[] = [];
  while (answer.length < maxTokens) {
    for (let position = values.length; position < ids.length; position += 1) {
      values.push(slotValue(values, ids[position] ?? 0, position));
    }
    const penalised = sampling.repetitionPenalty !== 1 ? Int32Array.from(ids) : new Int32Array(0);
    const id = nextToken(values, sampling, penalised, vocabSize);
    answer.push(id);
    ids.push(id);
    if (stopIds.includes(id)) break;
  }
  return answer;
}
