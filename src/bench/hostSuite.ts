import { setTimeout as pause } from "node:timers/promises";
import { throwIfAborted } from "../common/errors";
import type { AgentId, BenchRow, ResidentService } from "../protocol/service";
import { usual } from "./benchSampling";
import { benchText, randomWords } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";
import { LoopDelayProbe } from "./loopDelay";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface HostPlan {
  /** The agent that is opened, written to and restored. */
  readonly turns: number;
  readonly tokens: number;
  /** Agents that are listed. */
  readonly agents: number;
  readonly pasteBytes: number;
  readonly together: number;
  readonly answerTokens: number;
  /** Pauses while a message is written. */
  readonly pauses: number;
  readonly sends: number;
  /** Length of the cases that have no end of their own. */
  readonly lookMs: number;
}

/** A core in a thread of its own, with a home that only the suite uses. */
export interface HostWorld {
  readonly service: ResidentService;
  /** The agent with many turns. None of its tokens is in any cache. */
  readonly long: AgentId;
  /** Agents with few turns. */
  readonly others: readonly AgentId[];
  dispose(): Promise<void>;
}

export type OpenHostWorld = (plan: HostPlan, signal: AbortSignal) => Promise<HostWorld>;

/** The most that the host's event loop may be delayed. */
const targetMs = 5;
const targetMaxMs = 20;
const submitTargetMs = 30;
/** The period of the status page. */
const statusPeriodMs = 250;
const agentPeriodMs = 100;
const writingPauseMs = 300;

/**
 * How the core's work affects the thread of the user interface: how late its event loop is, and how long a message takes
 * from Send until the engine has it.
 */
export function hostSuite(open: OpenHostWorld, plan: HostPlan): Suite {
  return async ({ onProgress, signal }) => {
    const steps = 8;
    let done = 0;
    const next = (message: string) => {
      throwIfAborted(signal);
      onProgress({ done, total: steps, unit: "runs", message });
      done += 1;
    };
    next("writing the agents");
    const world = await open(plan, signal);
    const bench = new HostBench(world, plan, signal);
    try {
      const rows: BenchRow[] = [];
      for (const [name, work] of bench.cases()) {
        next(name);
        rows.push(await bench.measure(name, work));
      }
      next("time from Send to submit");
      rows.push(await bench.submitRow());
      onProgress({ done: steps, total: steps, unit: "runs", message: "done" });
      return rows;
    } finally {
      await world.dispose();
    }
  };
}

type Work = () => Promise<Readonly<Record<string, number>>>;

class HostBench {
  /** Made before the measurements. */
  private readonly pasted: string;

  constructor(
    private readonly world: HostWorld,
    private readonly plan: HostPlan,
    private readonly signal: AbortSignal,
  ) {
    // A token is more than two bytes.
    this.pasted = benchText("that are pasted", plan.pasteBytes / 2).slice(0, plan.pasteBytes);
  }

  cases(): readonly (readonly [string, Work])[] {
    const { turns, tokens, agents, pasteBytes, together } = this.plan;
    return [
      ["nothing happens", () => this.look()],
      [`an agent of ${turns} turns and ${tokens} tokens is opened and written to`, () => this.write()],
      [`it is read to its end, then ${pasteBytes} bytes are pasted and edited`, () => this.paste()],
      [`${agents} agents are listed and the status is open`, () => this.list()],
      [`${together} agents answer`, () => this.answer()],
      [`${tokens} tokens are restored`, () => this.restore()],
    ];
  }

  async measure(name: string, work: Work): Promise<BenchRow> {
    const probe = new LoopDelayProbe();
    const more = await work();
    const delay = probe.stop();
    const inTime = delay.p99Ms < targetMs && delay.maxMs < targetMaxMs;
    return { case: name, ...delay, targetMs, targetMaxMs, inTime, ...more };
  }

  /** From Send to the engine's submit, for the agent with many turns, whose cache is hot. */
  async submitRow(): Promise<BenchRow> {
    const timesMs: number[] = [];
    for (let i = 0; i < this.plan.sends; i += 1) {
      throwIfAborted(this.signal);
      await this.settle();
      const startedMs = performance.now();
      let firstMs = 0;
      const running = await this.world.service.send(this.world.long, { text: "And then?", sampling: usual(4) });
      const listening = running.onEvent(({ type }) => {
        if (type === "text" && firstMs === 0) firstMs = performance.now();
      });
      const { figures } = await finishedAnswer(running, this.signal).finally(() => listening.dispose());
      const { ttftMs, restoreMs } = figures;
      if (firstMs > 0) timesMs.push(firstMs - startedMs - ttftMs - restoreMs);
    }
    const times = percentiles(timesMs);
    return { case: "from Send to submit", ...times, targetMs: submitTargetMs, inTime: times.p99Ms < submitTargetMs };
  }

  private async look() {
    await pause(this.plan.lookMs);
    return {};
  }

  /** Opens the agent as its panel does and writes a message with pauses, while its history is read for the first time. */
  private async write() {
    const { service, long } = this.world;
    const openedMs = performance.now();
    await service.setShown(long, true);
    const panel = this.openPanel(long);
    try {
      await panel.refresh();
      const openMs = performance.now() - openedMs;
      const reading = [this.warm(long, "")];
      const text = benchText("of a message", 30 * this.plan.pauses);
      for (let i = 1; i <= this.plan.pauses; i += 1) {
        await this.pause(writingPauseMs);
        reading.push(this.warm(long, text.slice(0, Math.ceil((text.length * i) / this.plan.pauses))));
      }
      return { openMs, refreshes: panel.refreshes };
    } finally {
      panel.dispose();
    }
  }

  private async paste() {
    const { service, long } = this.world;
    await service.warmAgent(long, "");
    const started = performance.now();
    const reading: Promise<unknown>[] = [];
    for (let i = 0; i < this.plan.pauses; i += 1) {
      reading.push(this.warm(long, `${this.pasted}${"x".repeat(i)}`));
      await this.pause(writingPauseMs);
    }
    await Promise.all(reading);
    await service.warmAgent(long, "");
    return { pastedMs: performance.now() - started };
  }

  private async list() {
    const { service } = this.world;
    const endMs = performance.now() + this.plan.lookMs;
    let looks = 0;
    for (; performance.now() < endMs; looks += 1) {
      await Promise.all([service.listAgents(), service.status()]);
      await this.pause(statusPeriodMs);
    }
    return { looks };
  }

  private async answer() {
    const { service, others } = this.world;
    const startedMs = performance.now();
    let events = 0;
    const answers = others.slice(0, this.plan.together).map(async (id) => {
      const text = `Tell me more. ${randomWords(30)}`;
      const running = await service.send(id, { text, sampling: usual(this.plan.answerTokens) });
      running.onEvent(() => {
        events += 1;
      });
      return (await finishedAnswer(running, this.signal)).figures.generatedTokens;
    });
    const tokens = (await Promise.all(answers)).reduce((sum, count) => sum + count, 0);
    return { tokens, events, tokensPerSecond: (tokens * 1000) / (performance.now() - startedMs) };
  }

  /** The model is unloaded first, so that the cache comes from disk. */
  private async restore() {
    const { service, long } = this.world;
    await this.settle();
    await service.unloadModel();
    await service.loadModel(this.signal);
    const startedMs = performance.now();
    await service.warmAgent(long);
    const restoreMs = performance.now() - startedMs;
    const { hotTokens } = await service.getAgent(long);
    return { hotTokens, restoreMs };
  }

  /** Waits until the agent is neither read ahead nor saved. */
  private async settle(): Promise<void> {
    const { service, long } = this.world;
    await service.warmAgent(long);
    await service.saveAgent(long);
  }

  /** A draft that a later draft replaces is not a failure. */
  private async warm(id: AgentId, draft: string): Promise<void> {
    await this.world.service.warmAgent(id, draft);
  }

  private async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.signal });
  }

  /** Asks for the whole agent, then for its newest turns after each change, as often as a panel does. */
  private openPanel(id: AgentId) {
    const { service } = this.world;
    const panel = { refreshes: 0, refresh, dispose };
    let asking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function refresh(): Promise<void> {
      asking = true;
      await Promise.all([service.getAgent(id, panel.refreshes === 0 ? undefined : 2), service.running(id)]);
      panel.refreshes += 1;
      asking = false;
    }
    const listening = service.onEvent((event) => {
      if (event.type !== "agent" || event.id !== id || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        if (!asking) refresh().catch(() => {});
      }, agentPeriodMs);
    });
    function dispose(): void {
      listening.dispose();
      clearTimeout(timer);
    }
    return panel;
  }
}
