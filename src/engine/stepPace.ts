import type { StepLimits } from "./scheduler";

/** Bounds of the rows in one step, where their number follows from measured speed. */
export interface RowBounds {
  readonly least: number;
  readonly most: number;
}

/** A stop, a new request and everybody else's next token wait for the step under way. */
const aloneMs = 1000;
const besideMs = 250;

/** Rows are whole tiles of the device's matrix products. */
const tileRows = 32;

/** Speed varies from step to step and with the context: smaller changes are none. */
const leastChange = 1 / 4;

/**
 * The rows of the next step whose speed is `rowsPerMs`, so that it takes about `targetMs`; `now`, unless that is far off. At
 * most twice or half as many at once: a single odd measurement does little harm.
 */
export function rowsFor(targetMs: number, rowsPerMs: number, now: number, { least, most }: RowBounds): number {
  const wanted = Math.min(most, Math.max(least, targetMs * rowsPerMs));
  if (Math.abs(wanted - now) <= now * leastChange) return now;
  const next = Math.min(now * 2, Math.max(now / 2, wanted));
  return Math.min(most, Math.max(least, Math.floor(next / tileRows) * tileRows));
}

/** How many rows a step has room for: fixed, or by the measured speed of those that read prompts. */
export class StepPace {
  private tokenBudget: number;
  private prefillChunkTokens: number;

  constructor(
    private readonly given: StepLimits,
    private readonly bounds: RowBounds | undefined,
  ) {
    this.tokenBudget = given.tokenBudget;
    this.prefillChunkTokens = given.prefillChunkTokens;
  }

  get limits(): StepLimits {
    const { tokenBudget, prefillChunkTokens } = this;
    return { ...this.given, tokenBudget, prefillChunkTokens };
  }

  /** A step computed `rows`, `prefillRows` of them of prompts. Only full steps say how fast the device is. */
  measured(rows: number, prefillRows: number, ms: number): void {
    if (this.bounds === undefined || ms <= 0) return;
    const full = rows > prefillRows ? Math.min(this.prefillChunkTokens, this.tokenBudget) : this.tokenBudget;
    if (prefillRows < full / 2) return;
    const rowsPerMs = rows / ms;
    this.tokenBudget = rowsFor(aloneMs, rowsPerMs, this.tokenBudget, this.bounds);
    this.prefillChunkTokens = rowsFor(besideMs, rowsPerMs, this.prefillChunkTokens, this.bounds);
  }
}
