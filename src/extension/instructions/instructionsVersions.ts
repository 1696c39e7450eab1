import type { AgentId } from "../../protocol/service";

export interface InstructionsVersion {
  readonly text: string;
  /** When this text was first seen, in ms since 1970: by it an editor tells that somebody else changed the text. */
  readonly seenAtMs: number;
}

/** The instructions of agents as they were last seen: the core keeps no time of change. */
export class InstructionsVersions {
  private readonly versions = new Map<AgentId, InstructionsVersion>();

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** A text that differs from the last one gets a later time, however quickly it came. */
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
