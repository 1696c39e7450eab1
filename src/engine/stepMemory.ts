import type { PlannedRow, StepPlan } from "./scheduler";

/**
 * How many tokens a step may compute for the memory that there is. No limit is known until a step did not fit; then half
 * of its tokens are tried, down to one, and the limit doubles with every step that fits.
 */
export class StepMemory {
  private maxTokens = Number.POSITIVE_INFINITY;

  /** The part of the plan within the limit; those that have waited longest for a step come first. */
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

  /** `false`: the step was of one token, no smaller one can be tried. */
  didNotFit(plan: StepPlan<unknown>): boolean {
    const tokens = tokensOf(plan);
    this.maxTokens = Math.max(1, Math.floor(tokens / 2));
    return tokens > 1;
  }
}

function tokensOf({ rows }: StepPlan<unknown>): number {
  return rows.reduce((sum, row) => sum + row.numTokens, 0);
}
