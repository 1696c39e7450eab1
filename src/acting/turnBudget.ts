/** How far an agent may go by itself for one message: steps, minutes, and not in circles. */
import type { ToolCall } from "../common/tools";
import type { TurnView } from "../protocol/service";
import { turnsOf } from "../protocol/turnSteps";
import type { CallOutcome, LoopPorts } from "./ports";
import { Repeats } from "./repeats";

export interface Repeated {
  readonly call: ToolCall;
  /** 2 or more. */
  readonly count: number;
}

export class TurnBudget {
  private readonly repeats = new Repeats();
  private steps = 0;
  private beganAt = 0;
  private waitedMs = 0;

  constructor(private readonly ports: Pick<LoopPorts, "clock" | "limits" | "tools">) {}

  /** A new turn. `turns`: the newest of the branch; the last turn may have steps of an earlier start of the program. */
  begin(turns: readonly TurnView[]): void {
    this.steps = 0;
    this.repeats.clear();
    this.beganAt = this.ports.clock.now();
    this.waitedMs = 0;
    const steps = turnsOf(turns).at(-1) ?? [];
    for (const [index, { results = [] }] of steps.entries()) {
      const calls = steps[index - 1]?.calls ?? [];
      if (calls.length > 0) this.steps += 1;
      const given = new Map(results.map((result) => [result.call, result]));
      this.repeated(calls, (call) => given.get(call));
    }
  }

  step(): void {
    this.steps += 1;
  }

  /** The person let it wait. */
  wait(ms: number): void {
    this.waitedMs += ms;
  }

  /** The limit that was reached, one sentence; `undefined`: none. */
  reached(): string | undefined {
    const { steps, minutes } = this.ports.limits();
    if (this.steps >= steps) return `It has made ${steps} steps for one message, which is the limit.`;
    const ms = this.ports.clock.now() - this.beganAt - this.waitedMs;
    if (ms < minutes * 60_000) return undefined;
    return `It has worked for ${minutes} minutes on one message, which is the limit.`;
  }

  /** Notes what calls gave. Returns those that gave the same before, with how often by now. */
  repeated(calls: readonly ToolCall[], outcomeOf: (call: string) => CallOutcome | undefined): readonly Repeated[] {
    return calls.flatMap((call) => {
      const outcome = outcomeOf(call.id);
      if (outcome === undefined) return [];
      const count = this.repeats.add(call, this.ports.tools.kindOf(call.name), outcome);
      return count > 1 ? [{ call, count }] : [];
    });
  }
}
