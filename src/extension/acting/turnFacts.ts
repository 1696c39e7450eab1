import type { Checkpoint, CheckpointStore } from "../../acting/ports";
import type { LiveCall } from "../../protocol/acting";
import { lineDiff } from "../../protocol/lineDiff";
import type { ChangedFile, PageTurn, RanCall } from "../../protocol/page";
import type { AgentId, TurnId, TurnView } from "../../protocol/service";
import { isStep } from "../../protocol/turnSteps";

/** Of an agent's writes and calls, the last ones are told. */
const mostWrites = 500;
const mostCalls = 500;

/** `next`: the step that goes on with what its calls gave. */
export type TurnFactsOf = (
  turn: Pick<TurnView, "id" | "calls">,
  next?: Pick<TurnView, "user" | "results" | "figures">,
) => Pick<PageTurn, "ran" | "changes">;

/** What this window knows of calls that have ended, and which files turns have changed. */
export class TurnFacts {
  /** By call, the last one at the end. */
  private readonly ran = new Map<AgentId, Map<string, RanCall>>();
  private readonly changed = new Map<AgentId, Map<TurnId, readonly ChangedFile[]>>();
  /** How many of an agent's writes were looked at. */
  private readonly counted = new Map<AgentId, number>();

  constructor(private readonly checkpoints: Pick<CheckpointStore, "list" | "text">) {}

  /** A call's time and delegate are known while it is worked on only. */
  note(agent: AgentId, calls: readonly LiveCall[]): void {
    for (const { call, state, ms, delegate } of calls) {
      if (state === "queued" || state === "waiting" || state === "running") continue;
      const facts = { ...(ms === undefined ? {} : { ms }), ...(delegate === undefined ? {} : { delegate }) };
      if (ms !== undefined || delegate !== undefined) this.keep(agent, { call, ...facts });
    }
  }

  private keep(agent: AgentId, call: RanCall): void {
    const ran = this.ran.get(agent) ?? new Map<string, RanCall>();
    this.ran.set(agent, ran.set(call.call, call));
    const [oldest] = ran.keys();
    if (ran.size > mostCalls && oldest !== undefined) ran.delete(oldest);
  }

  /** Looks at what was written since the last look. */
  async load(agent: AgentId): Promise<void> {
    const all = await this.checkpoints.list(agent);
    const known = this.counted.get(agent) ?? Math.max(0, all.length - mostWrites);
    const changed = this.changed.get(agent) ?? new Map<TurnId, readonly ChangedFile[]>();
    this.changed.set(agent, changed);
    this.counted.set(agent, all.length);
    for (const write of all.slice(known)) {
      const file = await this.changeOf(agent, write);
      changed.set(write.turn, together(changed.get(write.turn) ?? [], file));
    }
  }

  forget(agent: AgentId): void {
    this.ran.delete(agent);
    this.changed.delete(agent);
    this.counted.delete(agent);
  }

  of(agent: AgentId): TurnFactsOf {
    return (turn, next) => this.factsOf(agent, turn, next);
  }

  private factsOf(agent: AgentId, ...[{ id, calls = [] }, next]: Parameters<TurnFactsOf>): ReturnType<TurnFactsOf> {
    const tokens = calls.length === 1 ? readTokens(next) : undefined;
    const ran = calls.flatMap((call): readonly RanCall[] => {
      const known = this.ran.get(agent)?.get(call.id);
      if (tokens === undefined) return known === undefined ? [] : [known];
      return [{ call: call.id, ...known, tokens }];
    });
    const changes = this.changed.get(agent)?.get(id);
    return { ...(ran.length === 0 ? {} : { ran }), ...(changes === undefined ? {} : { changes }) };
  }

  private async changeOf(agent: AgentId, { path, before, after }: Checkpoint): Promise<ChangedFile> {
    const [from, to] = await Promise.all(
      [before, after].map((digest) => (digest === undefined ? undefined : this.checkpoints.text(agent, digest))),
    );
    const { added, removed } = lineDiff(from, to);
    return { path, added, removed };
  }
}

/** What a step has read is the result and the frame around it; a server tells no such thing. */
function readTokens(next: Parameters<TurnFactsOf>[1]): number | undefined {
  if (next?.figures === undefined || !isStep(next)) return undefined;
  const { prefilledTokens, cache, by } = next.figures;
  return cache.refused === undefined && by === undefined ? prefilledTokens : undefined;
}

function together(files: readonly ChangedFile[], file: ChangedFile): readonly ChangedFile[] {
  const known = files.find(({ path }) => path === file.path);
  if (known === undefined) return [...files, file];
  const sum = { path: file.path, added: known.added + file.added, removed: known.removed + file.removed };
  return files.map((one) => (one === known ? sum : one));
}
