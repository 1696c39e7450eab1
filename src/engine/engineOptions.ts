import type { Log } from "../common/log";
import { bug } from "./invariant";
import type { OnWindowLeft } from "./liveTables";
import type { StepLimits } from "./scheduler";
import type { RowBounds } from "./stepPace";

export interface EngineLimits extends StepLimits {
  /** Most requests that run at the same time; below `tokenBudget`, so that a step with all of them can also prefill. */
  readonly maxSequences: number;
  /** Tokens at the end of an answer that can be removed without losing the window before them. */
  readonly windowSlackTokens: number;
  /** `tokenBudget` and `prefillChunkTokens` are where a step begins; measured speed changes them within these bounds. */
  readonly measuredRows?: RowBounds;
}

export interface EngineOptions extends Partial<EngineLimits> {
  /** Called when the contents of the pool are unknown: the device must be created again before the engine is used. */
  readonly onBroken?: () => void;
  /** Called with each full block that leaves a window, before its contents are lost. */
  readonly onWindowLeft?: OnWindowLeft;
  readonly log?: Log;
  /** Checks the pool's invariants after every operation: for tests. */
  readonly checked?: boolean;
}

/** Most tokens of one sequence that one run computes. */
export function longestRun(limits: EngineLimits): number {
  const { tokenBudget, maxStepsPerRun, lookupTokensPerRun, measuredRows } = limits;
  return Math.max(tokenBudget, maxStepsPerRun, lookupTokensPerRun, measuredRows?.most ?? 0);
}

const defaults: EngineLimits = {
  tokenBudget: 512,
  prefillChunkTokens: 128,
  maxStepsPerRun: 1,
  lookupTokensPerRun: 0,
  maxSequences: 16,
  windowSlackTokens: 64,
};

export function limitsOf(options: EngineOptions): EngineLimits {
  const limits: EngineLimits = {
    tokenBudget: options.tokenBudget ?? defaults.tokenBudget,
    prefillChunkTokens: options.prefillChunkTokens ?? defaults.prefillChunkTokens,
    maxStepsPerRun: options.maxStepsPerRun ?? defaults.maxStepsPerRun,
    lookupTokensPerRun: options.lookupTokensPerRun ?? defaults.lookupTokensPerRun,
    maxSequences: options.maxSequences ?? defaults.maxSequences,
    windowSlackTokens: options.windowSlackTokens ?? defaults.windowSlackTokens,
    ...(options.measuredRows === undefined ? {} : { measuredRows: options.measuredRows }),
  };
  const { tokenBudget, prefillChunkTokens, maxStepsPerRun, maxSequences, lookupTokensPerRun } = limits;
  const whole = [tokenBudget, prefillChunkTokens, maxStepsPerRun, maxSequences];
  if (limits.measuredRows !== undefined) whole.push(limits.measuredRows.least, limits.measuredRows.most);
  const fewestRows = Math.min(tokenBudget, limits.measuredRows?.least ?? tokenBudget);
  const lookupIsCount = Number.isInteger(lookupTokensPerRun) && lookupTokensPerRun >= 0;
  if (whole.some((limit) => !Number.isInteger(limit) || limit < 1) || !lookupIsCount || maxSequences >= fewestRows) {
    throw bug("the engine's limits must be whole numbers, and maxSequences below the rows of every step", {
      tokenBudget,
      prefillChunkTokens,
      maxStepsPerRun,
      maxSequences,
      lookupTokensPerRun,
      fewestRows,
    });
  }
  return limits;
}
