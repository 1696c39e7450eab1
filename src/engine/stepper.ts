import type { ResidentError } from "../common/errors";
import type { EngineLimits } from "./engineOptions";
import { classifyFailure } from "./failure";
import type { GenerationTask } from "./generationTask";
import type { EngineMetrics } from "./metrics";
import type { Clock, ModelRunner } from "./ports";
import { type BlockSources, secureRows } from "./rowSecurer";
import { planStep, type StepPlan } from "./scheduler";
import { StepMemory } from "./stepMemory";
import { StepPace } from "./stepPace";
import { idleReport, type StepReport, StepRun } from "./stepRun";

export interface StepperPorts extends BlockSources {
  readonly runner: ModelRunner;
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly metrics: EngineMetrics;
  /** Runs `work` without waking waiting work for the blocks that it frees. */
  readonly withoutWakeUps: <T>(work: () => T) => T;
  /** The contents of the pool are unknown. */
  readonly onBroken: (error: ResidentError) => void;
}

const emptyPlan: StepPlan<GenerationTask> = { rows: [], steps: 1, guesses: false };

/** Plans a run over the running requests, runs it on the device, and decides which requests a failure ends. */
export class Stepper {
  private readonly memory = new StepMemory();
  /** Requests of a step that failed without naming one: each runs alone until it succeeds or fails. */
  private suspects: readonly GenerationTask[] = [];
  private steps = 0;
  private readonly pace: StepPace;

  constructor(private readonly ports: StepperPorts) {
    this.pace = new StepPace(ports.limits, ports.limits.measuredRows);
  }

  /** Makes pending copies, then one run. Never rejects. */
  async run(): Promise<StepReport> {
    const { runner, requests, metrics, withoutWakeUps, clock } = this.ports;
    const { arrivals } = requests.queue;
    const copied = await this.makeCopies();
    const plan = withoutWakeUps(() => this.plan());
    if (plan.rows.length === 0) return { ...idleReport, progressed: copied };
    this.steps += 1;
    for (const { request } of plan.rows) request.lastStep = this.steps;
    const run = new StepRun(plan);
    try {
      const startedMs = clock.nowMs();
      const report = await run.on(runner, () => requests.queue.arrivals !== arrivals);
      const { prefillTokens, decodeTokens } = report;
      this.pace.measured(prefillTokens + decodeTokens, prefillTokens, clock.nowMs() - startedMs);
      this.memory.fitted(plan);
      this.suspects = this.suspects.filter((task) => !run.tasks.includes(task));
      metrics.countPrefill(prefillTokens);
      return report;
    } catch (error) {
      this.handleFailure(error, run.tasks, plan);
      return { ...idleReport, progressed: true };
    }
  }

  /** What runs next: one suspect alone, else all requests, as far as blocks and memory allow. */
  private plan(): StepPlan<GenerationTask> {
    const { requests } = this.ports;
    const { limits } = this.pace;
    const ready = requests.running.filter((task) => !task.isEnding);
    this.suspects = this.suspects.filter((task) => ready.includes(task));
    const others = ready.filter((task) => !this.suspects.includes(task));
    let secured: ReturnType<typeof secureRows> = { plan: emptyPlan, paused: [] };
    for (const tasks of [...this.suspects.map((task) => [task]), others]) {
      const running = tasks.filter((task) => task.state === "running");
      secured = secureRows(this.memory.limit(planStep(running, limits)), this.ports);
      if (secured.plan.rows.length > 0) break;
    }
    requests.setPaused(secured.paused);
    return secured.plan;
  }

  /** Makes the pending copies before a sequence's first step. `false` when there were none. */
  private async makeCopies(): Promise<boolean> {
    const tasks = this.ports.requests.running.filter((task) => task.sequence.pendingCopies.length > 0);
    for (const task of tasks) {
      for (const copy of task.state === "running" ? task.sequence.pendingCopies : []) {
        try {
          await this.ports.runner.copyBlock(copy.from, copy.to, copy.tokens);
          task.sequence.copied(copy);
        } catch (error) {
          this.handleFailure(error, [task]);
          break;
        }
      }
    }
    return tasks.length > 0;
  }

  /**
   * Ends the requests that a failed run or copy concerns; the others continue. A step that did not fit into memory is
   * tried again with fewer tokens. When the error names no request, each request of the step runs alone next and fails
   * alone.
   */
  private handleFailure(thrown: unknown, tasks: readonly GenerationTask[], plan?: StepPlan<GenerationTask>): void {
    const failure = classifyFailure(thrown);
    switch (failure.type) {
      case "intact": {
        if (failure.isMemory && plan !== undefined && this.memory.didNotFit(plan)) return;
        const guilty = tasks[failure.sequence ?? (tasks.length === 1 ? 0 : -1)];
        if (guilty !== undefined) this.ports.requests.fail(guilty, failure.error);
        else this.suspects = tasks;
        return;
      }
      case "aborted":
        for (const task of tasks) task.stream.abort();
        return;
      case "unknown":
        this.ports.onBroken(failure.error);
        return;
    }
  }
}
