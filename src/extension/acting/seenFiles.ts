import type { SeenFiles } from "../../acting/ports";
import type { AgentId } from "../../protocol/service";
import type { Memory } from "../window/memory";

/** Files of one agent, and agents, that are remembered: the last ones. */
const mostFiles = 300;
const mostAgents = 50;

type Seen = Map<string, string>;

/** Which text of a file an agent has seen last: an edit of a file that has changed since is refused. */
export class RememberedFiles implements SeenFiles {
  private readonly agents = new Map<AgentId, Seen>();
  private saving: Promise<unknown> = Promise.resolve();
  private isChanged = false;

  constructor(
    private readonly memory: Memory,
    private readonly key = "resident.acting.seen",
    private readonly onError: (error: unknown) => void = () => {},
  ) {
    const stored: unknown = memory.get(key);
    if (!isStored(stored)) return;
    for (const [agent, files] of stored) this.agents.set(agent, new Map(files));
  }

  get(agent: AgentId, path: string): string | undefined {
    return this.agents.get(agent)?.get(path);
  }

  set(agent: AgentId, path: string, digest: string): void {
    const files: Seen = this.agents.get(agent) ?? new Map<string, string>();
    // The last ones stand last.
    this.agents.delete(agent);
    this.agents.set(agent, files);
    files.delete(path);
    files.set(path, digest);
    shorten(files, mostFiles);
    shorten(this.agents, mostAgents);
    this.save();
  }

  forget(agent: AgentId): void {
    if (this.agents.delete(agent)) this.save();
  }

  /** Changes that come while one is written are written together. */
  private save(): void {
    if (this.isChanged) return;
    this.isChanged = true;
    const write = () => {
      this.isChanged = false;
      return this.memory.update(
        this.key,
        [...this.agents].map(([agent, files]) => [agent, [...files]]),
      );
    };
    this.saving = this.saving.then(write).catch(this.onError);
  }
}

function shorten(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

type Pairs<Value> = readonly (readonly [string, Value])[];

function isStored(value: unknown): value is Pairs<Pairs<string>> {
  return isPairs(value, (files) => isPairs(files, (digest) => typeof digest === "string"));
}

function isPairs(value: unknown, isValue: (value: unknown) => boolean): boolean {
  return (
    Array.isArray(value) &&
    value.every((pair: unknown) => Array.isArray(pair) && typeof pair[0] === "string" && isValue(pair[1]))
  );
}
