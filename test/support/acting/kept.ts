/** What acting keeps, in memory: as on a disk, it outlives the program in a test of a restart. */
import type {
  AllowedRule,
  ApprovalSettings,
  Checkpoint,
  CheckpointStore,
  Clock,
  Journal,
  JournalEntry,
  Permissions,
  SeenFiles,
} from "../../../src/acting/ports";
import type { Disposable } from "../../../src/common/disposables";

export class MemorySeen implements SeenFiles {
  private readonly seen = new Map<string, string>();

  get(agent: string, path: string): string | undefined {
    return this.seen.get(`${agent} ${path}`);
  }

  set(agent: string, path: string, digest: string): void {
    this.seen.set(`${agent} ${path}`, digest);
  }
}

export class MemoryJournal implements Journal {
  private readonly entries = new Map<string, readonly JournalEntry[]>();

  async read(agent: string): Promise<readonly JournalEntry[]> {
    return this.entries.get(agent) ?? [];
  }

  async write(agent: string, entries: readonly JournalEntry[]): Promise<void> {
    this.entries.set(agent, entries);
  }
}

export class MemoryCheckpoints implements CheckpointStore {
  private readonly kept = new Map<string, Checkpoint[]>();
  private readonly texts = new Map<string, string>();

  async add(agent: string, checkpoint: Checkpoint, texts: Readonly<Record<string, string>>): Promise<void> {
    this.kept.set(agent, [...(this.kept.get(agent) ?? []), checkpoint]);
    for (const [digest, text] of Object.entries(texts)) this.texts.set(digest, text);
  }

  async list(agent: string): Promise<readonly Checkpoint[]> {
    return this.kept.get(agent) ?? [];
  }

  async text(_agent: string, digest: string): Promise<string | undefined> {
    return this.texts.get(digest);
  }
}

export const everythingAsked: ApprovalSettings = {
  isTrusted: true,
  write: "before",
  run: "ask",
  commands: [],
  other: "ask",
  others: [],
};

export const nothingAsked: ApprovalSettings = { ...everythingAsked, write: "never", run: "never", other: "never" };

export class MemoryPermissions implements Permissions {
  readonly rules: AllowedRule[] = [];

  constructor(public now: ApprovalSettings = nothingAsked) {}

  settings(): ApprovalSettings {
    return this.now;
  }

  async allow(rule: AllowedRule): Promise<void> {
    this.rules.push(rule);
    if (rule.kind === "write") this.now = { ...this.now, write: "never" };
    if (rule.kind === "run") this.now = { ...this.now, commands: [...this.now.commands, rule.prefix] };
    if (rule.kind === "other") this.now = { ...this.now, others: [...this.now.others, rule.tool] };
  }
}

/** Time passes when the test says so. */
export class HandClock implements Clock {
  private at = 0;
  private readonly timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  now(): number {
    return this.at;
  }

  after(ms: number, callback: () => void): Disposable {
    const timer = { due: this.at + ms, callback };
    this.timers.add(timer);
    return { dispose: () => this.timers.delete(timer) };
  }

  pass(ms: number): void {
    this.at += ms;
    for (const timer of [...this.timers].filter(({ due }) => due <= this.at)) {
      this.timers.delete(timer);
      timer.callback();
    }
  }
}
