import type { ResidentError } from "../common/errors";
import { asResidentError } from "./failure";
import type { GenerationTask } from "./generationTask";
import { bug } from "./invariant";
import type { ModelRunner, RunnerToken, SequenceStep } from "./ports";
import type { PlannedRow, StepPlan } from "./scheduler";

/** What a step did; counts are tokens. */
export interface StepReport {
  /** Something was computed, started or ended: another step may find work. `false`: wait for `onWork`. */
  readonly progressed: boolean;
  readonly sequences: number;
  readonly decodeTokens: number;
  readonly prefillTokens: number;
  /** Number of steps that the runner did in this run. */
  readonly steps: number;
}

export const idleReport: StepReport = {
  progressed: false,
  sequences: 0,
  decodeTokens: 0,
  prefillTokens: 0,
  steps: 0,
};

/** One run of a plan on the device: passes tokens to their requests as they come, then counts what was computed. */
export class StepRun {
  private readonly rows: readonly PlannedRow<GenerationTask>[];
  private readonly inputs: readonly SequenceStep[];
  private readonly received: number[];
  /** Indexes of rows that failed alone: nothing of them is counted. */
  private readonly failed = new Set<number>();
  private fault: Error | undefined;

  /** A request whose input cannot be made fails and is left out. */
  constructor(private readonly plan: StepPlan<GenerationTask>) {
    const rows: PlannedRow<GenerationTask>[] = [];
    const inputs: SequenceStep[] = [];
    for (const row of plan.rows) {
      try {
        inputs.push(row.request.stepInput(row, plan));
        rows.push(row);
      } catch (error) {
        row.request.failAlone(asResidentError(error));
      }
    }
    [this.rows, this.inputs] = [rows, inputs];
    this.received = rows.map(() => 0);
  }

  get tasks(): readonly GenerationTask[] {
    return this.rows.map((row) => row.request);
  }

  /** Rejects when the runner does; then nothing is counted. `interrupted` ends a run of several steps early. */
  async on(runner: ModelRunner, interrupted: () => boolean): Promise<StepReport> {
    const { rows, inputs } = this;
    if (rows.length > 0) {
      await runner.run(inputs, {
        steps: this.plan.steps,
        onTokens: (tokens) => {
          for (const token of tokens) this.receive(token);
        },
        onFailed: (sequence, error) => this.receiveFailure(sequence, error),
        onGuessed: (count) => rows[0]?.request.countGuessed(count),
        cancelled: () => interrupted() || rows.some((row) => row.request.isEnding),
      });
    }
    rows.forEach((row, index) => {
      if (row.wantToken && this.received[index] === 0 && !this.failed.has(index)) {
        this.fault ??= bug("the runner did not sample a requested token", { index });
      }
    });
    if (this.fault !== undefined) throw this.fault;
    return this.commit();
  }

  private receive(token: RunnerToken): void {
    const row = this.rows[token.sequence];
    const count = this.received[token.sequence];
    if (row === undefined || count === undefined || !row.wantToken || count >= this.plan.steps) {
      this.fault ??= bug("the runner sampled a token that was not requested", { sequence: token.sequence });
      return;
    }
    this.received[token.sequence] = count + 1;
    row.request.accept(token);
  }

  private receiveFailure(sequence: number, error: ResidentError): void {
    const row = this.rows[sequence];
    if (row === undefined) this.fault ??= bug("the runner failed a sequence that was not in the run", { sequence });
    this.failed.add(sequence);
    row?.request.failAlone(error);
  }

  private commit(): StepReport {
    let decodeTokens = 0;
    let prefillTokens = 0;
    this.rows.forEach(({ request, numTokens, decoding }, index) => {
      if (this.failed.has(index)) return;
      // Every sampled token except the last was fed back in the next step.
      const computed = numTokens + Math.max(0, (this.received[index] ?? 0) - 1);
      try {
        request.commit(request.sequence.numComputedTokens + computed);
      } catch (error) {
        request.failAlone(asResidentError(error));
        return;
      }
      if (decoding) decodeTokens += computed;
      else prefillTokens += computed;
    });
    const steps = Math.max(1, ...this.received);
    return { progressed: true, sequences: this.rows.length, decodeTokens, prefillTokens, steps };
  }
}
