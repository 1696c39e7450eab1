import { ResidentError, throwIfAborted } from "../common/errors";
import type { AgentId, BenchRow, ResidentService, TurnId } from "../protocol/service";
import { greedy } from "./benchSampling";
import { benchText, seeded } from "./benchText";
import { finishedAnswer } from "./finishedAnswer";
import { type FootprintReader, residentBytes } from "./memory";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface SoakPlan {
  readonly agents: number;
  /** Turns before those that count: every buffer reaches its largest size, and the agents get a history. */
  readonly warmUpTurns: number;
  readonly turns: number;
  /** Turns at the same time, at most one per agent. */
  readonly together: number;
  readonly answerTokens: number;
  /** Approximate number of tokens in the agents' instructions. */
  readonly systemTokens: number;
  /** Answered turns whose text is compared with the answer that the agent gives alone. */
  readonly samples: number;
}

type Service = Pick<
  ResidentService,
  | "loadModel"
  | "createAgent"
  | "deleteAgent"
  | "getAgent"
  | "send"
  | "regenerate"
  | "forkAgent"
  | "rewindAgent"
  | "status"
>;

interface Answered {
  readonly agent: AgentId;
  readonly turn: TurnId;
  readonly text: string;
}

/**
 * Many agents in a pool that is too small for them, for many turns, with forks, rewinds and stops. Every compared answer
 * must be the one that the agent gives alone, and memory must not grow.
 */
export function soakSuite(service: Service, plan: SoakPlan, footprintBytes: FootprintReader): Suite {
  return async ({ onProgress, signal }) => {
    await service.loadModel(signal);
    const world = new World(service, plan, signal);
    try {
      await world.fill();
      const memory: { readonly turn: number; readonly bytes: number }[] = [];
      const total = plan.warmUpTurns + plan.turns;
      const startedMs = performance.now();
      while (world.turns < total) {
        throwIfAborted(signal);
        onProgress({ done: world.turns, total, unit: "runs", message: "turns" });
        await world.round();
        if (world.turns < plan.warmUpTurns) continue;
        memory.push({ turn: world.turns, bytes: residentBytes(footprintBytes) });
      }
      const ms = performance.now() - startedMs;
      onProgress({ done: total, total, unit: "runs", message: "comparing" });
      const { compared, mismatches } = await world.compare();
      const { metrics } = await service.status();
      const row: BenchRow = {
        case: `${world.turns} turns over ${plan.agents} agents`,
        ...percentiles(world.timesMs),
        seconds: ms / 1000,
        forks: world.forks,
        rewinds: world.rewinds,
        stops: world.stops,
        failures: world.failures,
        preemptions: metrics.numPreemptions,
        residentBytes: memory.at(-1)?.bytes ?? 0,
        bytesAHundredTurns: Math.round(slope(memory) * 100),
        compared,
        mismatches,
      };
      return [row];
    } finally {
      await world.clear();
    }
  };
}

class World {
  readonly timesMs: number[] = [];
  turns = 0;
  forks = 0;
  rewinds = 0;
  stops = 0;
  failures = 0;
  private readonly random = seeded(500);
  private readonly ids: AgentId[] = [];
  private readonly answered: Answered[] = [];
  private made = 0;

  constructor(
    private readonly service: Service,
    private readonly plan: SoakPlan,
    private readonly signal: AbortSignal,
  ) {}

  async fill(): Promise<void> {
    while (this.ids.length < this.plan.agents) {
      this.made += 1;
      // Each pair has the same beginning.
      const system = benchText(`of pair ${this.made >> 1}`, this.plan.systemTokens * (1 + (this.made % 3)));
      const name = `soak ${Date.now()} ${this.made}`;
      this.ids.push((await this.service.createAgent({ name, system, allowUnreadable: true })).id);
    }
  }

  /** Some agents at the same time: each gets a message, is rewound, or is forked. */
  async round(): Promise<void> {
    const chosen = new Set<AgentId>();
    while (chosen.size < Math.min(this.plan.together, this.ids.length)) chosen.add(this.pick(this.ids));
    await Promise.all([...chosen].map((id) => this.act(id)));
  }

  async compare(): Promise<{ readonly compared: number; readonly mismatches: number }> {
    let compared = 0;
    let mismatches = 0;
    for (const { agent, turn, text } of this.answered.reverse()) {
      if (compared === this.plan.samples) break;
      throwIfAborted(this.signal);
      const alive =
        this.ids.includes(agent) && (await this.service.getAgent(agent)).turns.some(({ id }) => id === turn);
      if (!alive) continue;
      const running = await this.service.regenerate(agent, turn, greedy(this.plan.answerTokens));
      const again = await finishedAnswer(running, this.signal);
      compared += 1;
      if (again.text !== text) mismatches += 1;
    }
    return { compared, mismatches };
  }

  async clear(): Promise<void> {
    for (const id of this.ids.splice(0)) await this.service.deleteAgent(id);
  }

  private async act(id: AgentId): Promise<void> {
    const chance = this.random();
    try {
      if (chance < 0.06) await this.fork(id);
      else if (chance < 0.12) await this.rewind(id);
      else await this.ask(id, chance > 0.92);
    } catch (error) {
      if (this.signal.aborted) throw error;
      // A full context is not a failure: the agent starts over. Anything else counts.
      if (error instanceof ResidentError && error.code === "CONTEXT_FULL") {
        await this.service.rewindAgent(id, undefined);
      } else {
        this.failures += 1;
      }
    }
  }

  private async ask(id: AgentId, stop: boolean): Promise<void> {
    this.turns += 1;
    const startedMs = performance.now();
    const text = `Question ${Math.floor(this.random() * 1000)}: what do the notes say?`;
    const running = await this.service.send(id, { text, sampling: greedy(this.plan.answerTokens) });
    if (stop) {
      running.onEvent((event) => {
        if (event.type === "text") running.abort();
      });
    }
    const done = await finishedAnswer(running, this.signal);
    this.timesMs.push(performance.now() - startedMs);
    if (done.finishReason === "aborted") {
      this.stops += 1;
      return;
    }
    const turn = (await this.service.getAgent(id)).turns.at(-1);
    if (turn !== undefined) this.answered.push({ agent: id, turn: turn.id, text: done.text });
  }

  private async rewind(id: AgentId): Promise<void> {
    const { turns } = await this.service.getAgent(id);
    if (turns.length < 2) return this.ask(id, false);
    this.rewinds += 1;
    await this.service.rewindAgent(id, this.pick(turns.slice(0, -1)).id);
  }

  /** The fork replaces the agent, which is deleted: what both share must stay. */
  private async fork(id: AgentId): Promise<void> {
    this.forks += 1;
    this.made += 1;
    const fork = await this.service.forkAgent(id, `soak ${Date.now()} ${this.made}`);
    const place = this.ids.indexOf(id);
    this.ids.splice(place, 1, fork.id);
    await this.service.deleteAgent(id);
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }
}

/** Slope by least squares, in bytes per turn. */
function slope(points: readonly { readonly turn: number; readonly bytes: number }[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [x, y] = [mean(points.map(({ turn }) => turn)), mean(points.map(({ bytes }) => bytes))];
  const spread = points.reduce((sum, { turn }) => sum + (turn - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, { turn, bytes }) => sum + (turn - x) * (bytes - y), 0) / spread;
}
