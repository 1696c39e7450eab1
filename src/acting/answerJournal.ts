import type { AgentId } from "../protocol/service";
import type { CallOutcome, Journal, JournalEntry } from "./ports";

/** Which calls of one answer ran, as far as it is known across restarts. */
export class AnswerJournal {
  private entries: readonly JournalEntry[] = [];
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly journal: Journal,
    private readonly agent: AgentId,
    private readonly calls: readonly { readonly id: string }[],
  ) {}

  /** What other answers' calls did is left out. */
  async read(): Promise<void> {
    const known = new Set(this.calls.map(({ id }) => id));
    this.entries = (await this.journal.read(this.agent)).filter(({ call }) => known.has(call));
  }

  of(call: string): JournalEntry | undefined {
    return this.entries.find((entry) => entry.call === call);
  }

  /** A call ran that may have changed something, or the person answered. */
  get hasEffects(): boolean {
    return this.entries.some(({ delegate }) => delegate === undefined);
  }

  /** The call that began and of which nobody knows whether it ended; `undefined`: there is none. */
  get begun(): string | undefined {
    return this.entries.find(({ result, delegate }) => result === undefined && delegate === undefined)?.call;
  }

  get ended(): readonly { readonly call: string; readonly result: CallOutcome }[] {
    return this.entries.flatMap(({ call, result }) => (result === undefined ? [] : [{ call, result }]));
  }

  /** Resolves when it is kept. One after the other: each write replaces all entries. */
  note(entry: JournalEntry): Promise<void> {
    this.entries = [...this.entries.filter(({ call }) => call !== entry.call), entry];
    const { entries } = this;
    this.writing = this.writing.catch(() => {}).then(() => this.journal.write(this.agent, entries));
    return this.writing;
  }
}
