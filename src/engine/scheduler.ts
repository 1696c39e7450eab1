import type { Priority } from "./request";

/** What the scheduler needs to know about a running request. */
export interface Schedulable {
  readonly priority: Priority;
  /** Known tokens that are not computed yet, ≥ 1. */
  readonly numPendingTokens: number;
  /** The prompt is prefilled: the one pending token was sampled. */
  readonly decoding: boolean;
  /** The device may guess the next tokens and verify them. */
  readonly mayGuess: boolean;
  /** Tokens that it may still sample; 0 for a read-ahead. */
  readonly numTokensToSample: number;
}

export interface StepLimits {
  /** Tokens computed in one step, decode and prefill together. */
  readonly tokenBudget: number;
  /** Most prefill tokens in a step that also decodes: bounds how long a decode step waits for other prompts. */
  readonly prefillChunkTokens: number;
  /** Most decode steps in one run when there is no other work. */
  readonly maxStepsPerRun: number;
  /** Most tokens in one run of a request that runs alone and may get several per step by guessing; 0 = no guesses. */
  readonly lookupTokensPerRun: number;
}

export interface PlannedRow<T> {
  readonly request: T;
  /** The row computes the first `numTokens` of the request's pending tokens. */
  readonly numTokens: number;
  /** `request.decoding` at the time of planning. */
  readonly decoding: boolean;
  /** All pending tokens are in the step and the request may still sample. */
  readonly wantToken: boolean;
}

export interface StepPlan<T> {
  readonly rows: readonly PlannedRow<T>[];
  /** Tokens that each row samples in this run; > 1 only when every row decodes. */
  readonly steps: number;
  /** The device may guess: one row decodes alone. With other rows in the step, guesses would slow these down. */
  readonly guesses: boolean;
}

/** Share of the prefill budget that read-aheads get while an answer is decoded: no user waits for them. */
const readAheadShare = 1 / 4;

/** Share of the prefill budget of the prompt that was admitted first, however short the others are. */
const oldestShare = 1 / 4;

/**
 * Plans one step. Every decoding request gets its token; the rest of the budget prefills prompts, normal before low,
 * those with the fewest tokens left first, so that a short message does not wait for a long prompt. A quarter of the
 * budget goes to the prompt that was admitted first, so that no prompt starves. A prompt does not wait for answers of low
 * priority: only those of normal priority limit how much a step prefills. Pure. The caller keeps the number of
 * running requests below `tokenBudget`, so each decoding request is in every step and the first prompt always advances.
 */
export function planStep<T extends Schedulable>(running: readonly T[], limits: StepLimits): StepPlan<T> {
  const decoding = running.filter((request) => request.decoding);
  const rows = decoding.map((request) => rowOf(request, 1));
  let budget = limits.tokenBudget - rows.length;
  const readsNormal = running.some((request) => !request.decoding && request.priority === "normal");
  const isWaitedFor = decoding.some((request) => request.priority === "normal" || !readsNormal);
  if (isWaitedFor) budget = Math.min(budget, limits.prefillChunkTokens);
  const read = (priority: Priority) => {
    const reading = running.filter((request) => !request.decoding && request.priority === priority);
    const shares = shareBudget(reading, budget);
    for (const request of reading) {
      const numTokens = shares.get(request) ?? 0;
      if (numTokens > 0) rows.push(rowOf(request, numTokens));
      budget -= numTokens;
    }
  };
  read("normal");
  if (decoding.length > 0) budget = Math.min(budget, Math.ceil(limits.prefillChunkTokens * readAheadShare));
  read("low");
  const guesses = limits.lookupTokensPerRun > 0 && rows.length === 1 && decoding[0]?.mayGuess === true;
  const longest = guesses ? Math.max(limits.maxStepsPerRun, limits.lookupTokensPerRun) : limits.maxStepsPerRun;
  return { rows, steps: rows.length === decoding.length ? stepsTogether(decoding, longest) : 1, guesses };
}

/** How many of the budget's tokens each prompt gets; `reading` is in order of admission. */
function shareBudget<T extends Schedulable>(reading: readonly T[], budget: number): ReadonlyMap<T, number> {
  const shares = new Map<T, number>();
  let left = Math.max(0, budget);
  const assign = (request: T, most: number) => {
    const given = shares.get(request) ?? 0;
    const more = Math.min(left, most, request.numPendingTokens - given);
    shares.set(request, given + more);
    left -= more;
  };
  const [oldest] = reading;
  if (oldest !== undefined) assign(oldest, Math.ceil(left * oldestShare));
  for (const request of [...reading].sort((a, b) => a.numPendingTokens - b.numPendingTokens)) assign(request, left);
  return shares;
}

/** Steps that all decoding requests can take in one run: no request may reach its limit earlier. */
function stepsTogether(decoding: readonly Schedulable[], longest: number): number {
  return Math.max(1, Math.min(longest, ...decoding.map((request) => request.numTokensToSample)));
}

function rowOf<T extends Schedulable>(request: T, numTokens: number): PlannedRow<T> {
  const wantToken = numTokens === request.numPendingTokens && request.numTokensToSample > 0;
  return { request, numTokens, decoding: request.decoding, wantToken };
}
