import type { AgentId } from "../../protocol/service";

export interface InstructionsVersion {
  readonly text: string;
  /** When this text was first seen, in ms since 1970. VS Code detects conflicting changes by it. */
  readonly seenAtMs: number;
}

/** The last known instructions of each agent with a time of change, which the core does not keep. */
export class InstructionsVersions {
  private readonly versions = new Map<AgentId, InstructionsVersion>();

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** A changed text always gets a later time, also within the same millisecond. */
  see(id: AgentId, text: string): InstructionsVersion {
    const last = this.versions.get(id);
    if (last?.text === text) return last;
    const version = { text, seenAtMs: Math.max(this.nowMs(), (last?.seenAtMs ?? 0) + 1) };
    this.versions.set(id, version);
    return version;
  }

  /** Whether `text` is not what was seen last. */
  isNew(id: AgentId, text: string): boolean {
    return this.versions.get(id)?.text !== text;
  }

  forget(id: AgentId): void {
    this.versions.delete(id);
  }
}
