import type { AgentId } from "../../protocol/service";
import type { Memory } from "../window/memory";
import { isStoredWays, type StoredWays } from "./storedActing";

const key = "resident.acting.ways";

/** Which agents answer a message in several ways, and their forks: a window that is opened again shows them again. */
export class KeptWays {
  private kept: StoredWays;
  private saving: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly memory: Memory,
    private readonly onError: (error: unknown) => void,
  ) {
    const stored: unknown = memory.get(key);
    this.kept = isStoredWays(stored) ? stored : [];
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
