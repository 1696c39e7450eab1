import type { Answer, Entry, Step } from "./journal";

export interface KnownTurn {
  readonly id: string;
  readonly parent: string | undefined;
  readonly user: string;
  /** Absent: no answer was reported as saved. */
  readonly answer?: Answer;
}

export interface KnownAgent {
  readonly id: string;
  readonly name: string;
  readonly turns: ReadonlyMap<string, KnownTurn>;
  readonly head: string | undefined;
}

/** What a home must hold: what was reported as done. What was begun and not reported may be there or not. */
export class Truth {
  readonly agents = new Map<string, KnownAgent>();
  /** Those that were deleted, by id, as they were. */
  readonly deleted = new Map<string, KnownAgent>();
  /** Steps that were begun and of which nobody said how they ended, and those that ended with an error. */
  readonly open: { readonly step: Step; readonly id: string | undefined }[] = [];
  /** Answers that were given and not reported as saved. */
  private readonly unsaved = new Map<string, { readonly turn: string; readonly answer: Answer }>();

  constructor(entries: readonly Entry[] = []) {
    for (const entry of entries) this.apply(entry);
  }

  apply(entry: Entry): void {
    switch (entry.type) {
      case "begin":
        this.open.push({ step: entry.step, id: entry.id });
        return;
      case "end":
        if (entry.code === undefined) this.open.pop();
        return;
      case "created":
        this.agents.set(entry.id, { id: entry.id, name: entry.name, turns: new Map(), head: undefined });
        return;
      case "sent": {
        const agent = this.known(entry.id);
        this.setTurn(agent, { id: entry.turn, parent: agent.head, user: entry.user });
        this.change(entry.id, { head: entry.turn });
        return;
      }
      case "answered":
        this.setAnswer(entry.id, entry.turn, entry.answer);
        return;
      case "unsaved":
        this.unsaved.set(entry.id, { turn: entry.turn, answer: entry.answer });
        return;
      case "saved": {
        const late = this.unsaved.get(entry.id);
        this.unsaved.delete(entry.id);
        if (late !== undefined) this.setAnswer(entry.id, late.turn, late.answer);
        return;
      }
      case "forked": {
        const { turns, head } = this.known(entry.from);
        this.agents.set(entry.id, { id: entry.id, name: entry.name, turns: new Map(turns), head });
        return;
      }
      case "rewound":
        this.change(entry.id, { head: entry.turn ?? undefined });
        return;
      case "renamed":
        this.change(entry.id, { name: entry.name });
        return;
      case "deleted":
        this.deleted.set(entry.id, this.known(entry.id));
        this.agents.delete(entry.id);
        return;
    }
  }

  /** Texts of the branch at `turn`; `undefined` when one of its turns has no answer that was reported. */
  pathTo({ turns }: KnownAgent, turn: string | undefined): readonly string[] | undefined {
    const path: string[] = [];
    for (let at = turn; at !== undefined; ) {
      const found = turns.get(at);
      if (found?.answer === undefined) return undefined;
      path.unshift(found.user);
      at = found.parent;
    }
    return path;
  }

  private known(id: string): KnownAgent {
    const agent = this.agents.get(id);
    if (agent === undefined) throw new Error(`the journal tells of agent ${id} before it was made`);
    return agent;
  }

  private change(id: string, change: Partial<KnownAgent>): void {
    this.agents.set(id, { ...this.known(id), ...change });
  }

  private setTurn(agent: KnownAgent, turn: KnownTurn): void {
    this.agents.set(agent.id, { ...agent, turns: new Map([...agent.turns, [turn.id, turn]]) });
  }

  private setAnswer(id: string, turn: string, answer: Answer): void {
    const agent = this.known(id);
    const found = agent.turns.get(turn);
    if (found === undefined) throw new Error(`the journal tells of an answer to ${turn} before it was asked`);
    this.setTurn(agent, { ...found, answer });
  }
}
