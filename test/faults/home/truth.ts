import type { ToolResult } from "../../../src/common/tools";
import type { Answer, Entry, Step } from "./journal";

export interface KnownTurn {
  readonly id: string;
  readonly parent: string | undefined;
  readonly user: string;
  /** Of a step that goes on with results. */
  readonly results?: readonly ToolResult[];
  /** Absent: no answer was reported as saved. */
  readonly answer?: Answer;
}

export interface KnownAgent {
  readonly id: string;
  readonly name: string;
  readonly turns: ReadonlyMap<string, KnownTurn>;
  readonly head: string | undefined;
}

/** A message, or the result that the calls of the answer before it were given. */
export type Asked = string | { readonly given: string };

/** A step that was not reported as successful. */
interface OpenStep {
  readonly step: Step;
  readonly id: string | undefined;
  /** The agent as it was known when the step began. */
  readonly agent: KnownAgent | undefined;
}

/** What a home must contain: everything reported as done. Steps that began and were not reported may be done or not. */
export class Truth {
  readonly agents = new Map<string, KnownAgent>();
  /** Deleted agents, by id, as they were. */
  readonly deleted = new Map<string, KnownAgent>();
  private readonly failed: OpenStep[] = [];
  /** By the number of the program that does them. */
  private readonly underWay = new Map<number, OpenStep>();
  /** Answers that were given but not reported as saved. */
  private readonly unsaved = new Map<string, { readonly turn: string; readonly answer: Answer }>();

  constructor(entries: readonly Entry[] = []) {
    for (const entry of entries) this.apply(entry);
  }

  /** Steps that began and have no reported end, and steps that ended with an error. */
  get open(): readonly OpenStep[] {
    return [...this.failed, ...this.underWay.values()];
  }

  /** `by`: the number of the program that reports it. */
  apply(entry: Entry, by = 0): void {
    switch (entry.type) {
      case "begin": {
        const agent = entry.id === undefined ? undefined : this.agents.get(entry.id);
        this.underWay.set(by, { step: entry.step, id: entry.id, agent });
        return;
      }
      case "end": {
        const open = this.underWay.get(by);
        this.underWay.delete(by);
        if (entry.code !== undefined && open !== undefined) this.failed.push(open);
        if (entry.code === "CONTEXT_FULL" && open?.step.do === "ask") this.withdraw(open.id, open.step.text);
        return;
      }
      case "created":
        this.agents.set(entry.id, { id: entry.id, name: entry.name, turns: new Map(), head: undefined });
        return;
      case "sent": {
        const agent = this.known(entry.id);
        const { turn: id, user, results } = entry;
        this.setTurn(agent, { id, parent: entry.parent ?? undefined, user, ...(results && { results }) });
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
        // Another program may have continued the source meanwhile.
        const source = this.underWay.get(by)?.agent ?? this.agents.get(entry.from);
        const { turns = new Map(), head } = source ?? {};
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

  /** What was said and given on the branch at `turn`; `undefined` when one of its turns has no answer that was reported. */
  pathTo({ turns }: KnownAgent, turn: string | undefined): readonly Asked[] | undefined {
    const path: Asked[] = [];
    for (let at = turn; at !== undefined; ) {
      const found = turns.get(at);
      if (found?.answer === undefined) return undefined;
      path.unshift(found.results === undefined ? found.user : { given: found.results[0]?.text ?? "" });
      at = found.parent;
    }
    return path;
  }

  /** A message that does not fit the context is not kept: that is the service's contract. */
  private withdraw(id: string | undefined, text: string): void {
    const agent = id === undefined ? undefined : this.agents.get(id);
    if (agent === undefined) return;
    const kept = [...agent.turns].filter(([, { user, answer }]) => user !== text || answer !== undefined);
    this.agents.set(agent.id, { ...agent, turns: new Map(kept) });
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
