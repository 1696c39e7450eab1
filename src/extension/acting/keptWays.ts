import type { AgentId } from "../../protocol/service";
import type { Memory } from "../window/memory";

const key = "resident.acting.ways";

type Kept = readonly (readonly [agent: AgentId, forks: readonly AgentId[]])[];

/** Which agents answer a message in several ways, and their forks: a window that is opened again shows them again. */
export class KeptWays {
  private kept: Kept;
  private saving: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly memory: Memory,
    private readonly onError: (error: unknown) => void,
  ) {
    const stored: unknown = memory.get(key);
    this.kept = isKept(stored) ? stored : [];
  }

  forksOf(agent: AgentId): readonly AgentId[] {
    return this.kept.find(([one]) => one === agent)?.[1] ?? [];
  }

  /** No forks: nothing is kept of the agent any more. */
  set(agent: AgentId, forks: readonly AgentId[]): void {
    if (forks.length === 0 && this.forksOf(agent).length === 0) return;
    const others = this.kept.filter(([one]) => one !== agent);
    this.kept = forks.length === 0 ? others : [...others, [agent, forks]];
    this.saving = this.saving.then(() => this.memory.update(key, this.kept)).catch(this.onError);
  }
}

function isKept(value: unknown): value is Kept {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && isText(one[0]) && isTexts(one[1]));
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
