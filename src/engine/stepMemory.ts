import type { PlannedRow, StepPlan } from "./scheduler";

/**
 * Limits the tokens of a step to what fits the memory. There is no limit until a step does not fit; then the limit is
 * half of its tokens, at least one, and each step that fits raises it to at least twice that step's tokens.
 */
export class StepMemory {
  private maxTokens = Number.POSITIVE_INFINITY;

  /** The part of the plan within the limit; requests that have waited longest for a step come first. */
  limit<T extends { readonly lastStep: number }>(plan: StepPlan<T>): StepPlan<T> {
    if (tokensOf(plan) <= this.maxTokens) return plan;
    let left = this.maxTokens;
    const rows: PlannedRow<T>[] = [];
    for (const row of [...plan.rows].sort((a, b) => a.request.lastStep - b.request.lastStep)) {
      if (left === 0) break;
      const numTokens = Math.min(left, row.numTokens);
      rows.push({ ...row, numTokens, wantToken: row.wantToken && numTokens === row.numTokens });
      left -= numTokens;
    }
    return { rows, steps: plan.steps, guesses: false };
  }

  /** A step of `plan` ran. */
  fitted(plan: StepPlan<unknown>): void {
    this.maxTokens = Math.max(this.maxTokens, 2 * tokensOf(plan));
  }

  /** Lowers the limit. `false`: the step had one token, so no smaller step can be tried. */
  didNotFit(plan: StepPlan<unknown>): boolean {
    const tokens = tokensOf(plan);
    this.maxTokens = Math.max(1, Math.floor(tokens / 2));
    return tokens > 1;
  }
}

function tokensOf({ rows }: StepPlan<unknown>): number {
  return rows.reduce((sum, row) => sum + row.numTokens, 0);
}
