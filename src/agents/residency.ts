import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { LeftBlock } from "../engine/liveTables";
import type { BlockStore } from "../store/blockStore";
import { windowTwin } from "../store/windowFiles";
import type { LiveAgent } from "./liveAgent";
import type { LiveAgents } from "./liveAgents";
import type { ModelAccess, ModelSession } from "./ports";
import { ReadAhead } from "./readAhead";

export interface ResidencyOptions {
  readonly live: LiveAgents;
  readonly models: ModelAccess;
  readonly blocks: BlockStore;
  readonly log: Log;
  readonly onChange: (agent: LiveAgent) => void;
  /** A save ended; `bytes` of new files were written. */
  readonly onSaved: (agent: LiveAgent, bytes: number) => void;
}

/** Moves agents' caches between the pool and the disk: background saves, room for others, read aheads. */
export class Residency {
  readonly readAhead: ReadAhead;
  private readonly saves = new Map<LiveAgent, Promise<void>>();
  private readonly leaving = new Set<LiveAgent>();
  private readonly watchers: (() => void)[] = [];

  constructor(private readonly options: ResidencyOptions) {
    this.readAhead = new ReadAhead({
      models: options.models,
      saving: (agent) => this.saves.get(agent),
      isLeaving: (agent) => this.leaving.has(agent),
      onWaiting: () => this.agentChanged(),
      onChange: options.onChange,
    });
  }

  /** Saves log and cache after what is being saved already. Never rejects: a failure stands in `saveError`. */
  save(agent: LiveAgent): Promise<void> {
    const save = (this.saves.get(agent) ?? Promise.resolve()).then(() => this.saveNow(agent));
    this.saves.set(agent, save);
    void save.finally(() => {
      if (this.saves.get(agent) === save) this.saves.delete(agent);
    });
    return save;
  }

  /** Saves, then gives the agent's blocks back to the pool. */
  async evict(agent: LiveAgent): Promise<void> {
    this.leaving.add(agent);
    try {
      await this.readAhead.stop(agent);
      await this.save(agent);
      agent.cache.release();
    } finally {
      this.leaving.delete(agent);
    }
    this.options.onChange(agent);
  }

  /**
   * Writes a block that has left an agent's window: a rewind to where it was seen will want it. `undefined`: it is no
   * agent's. Never rejects.
   */
  saveLeft(session: ModelSession, { owner, salt, block, ...left }: LeftBlock): Promise<void> | undefined {
    if (salt !== undefined || this.options.live.get(owner) === undefined) return undefined;
    const { blocks, log } = this.options;
    const { files, identity } = session;
    const stored = windowTwin({ ...left, path: blocks.objectPath(identity, left.key) });
    return blocks.save(files, identity, stored, block).then(
      () => {},
      (error: unknown) => log.log("warn", `a block that left its window is not saved: ${toErrorInfo(error).what}`),
    );
  }

  /** Gives the blocks back without saving: the agent is to be deleted. */
  async drop(agent: LiveAgent): Promise<void> {
    await this.readAhead.stop(agent);
    await this.saves.get(agent);
    agent.cache.release();
  }

  /** Everything that the model of `session` holds of agents, before it is unloaded. */
  async evictAll(): Promise<void> {
    for (const agent of this.options.live.all()) await this.evict(agent);
  }

  /**
   * As `makeRoom`, for a request that waits in the engine: goes on while there are agents at work that will be idle
   * and could make room then.
   */
  async makeRoomInTime(session: ModelSession, blocks: number): Promise<number> {
    let released = await this.makeRoom(session, blocks);
    while (released < blocks && this.options.live.all().some((agent) => this.isAtWork(agent))) {
      await new Promise<void>((resolve) => this.watchers.push(resolve));
      released += await this.makeRoom(session, blocks - released);
    }
    return released;
  }

  /** An agent's state changed: whoever waits for an idle one looks again. */
  agentChanged(): void {
    for (const look of this.watchers.splice(0)) look();
  }

  /**
   * Releases idle agents' blocks, the least recently used first and pinned ones last, until `blocks` are available that
   * were not, as far as it goes. Resolves with how many are.
   */
  async makeRoom(session: ModelSession, blocks: number): Promise<number> {
    const before = session.engine.pool.availableBlocks;
    const idle = this.options.live
      .all()
      .filter((agent) => agent.activity === undefined && agent.cache.holdsBlocks)
      .sort((a, b) => isPinned(a) - isPinned(b) || a.writer.manifest.lastUsedAt - b.writer.manifest.lastUsedAt);
    for (const agent of idle) {
      if (session.engine.pool.availableBlocks - before >= blocks) break;
      await this.save(agent);
      if (agent.activity !== undefined) continue;
      this.options.log.log("info", `${agent.name} leaves memory to make room`);
      agent.cache.release();
      this.options.onChange(agent);
    }
    return session.engine.pool.availableBlocks - before;
  }

  /**
   * After an answer: saves it, then reads what every next message begins with, so that a message waits for its own tokens
   * only. While others wait for room nothing is read. Never rejects.
   */
  async settle(agent: LiveAgent): Promise<void> {
    await this.save(agent);
    const waiting = this.options.models.current?.engine.numWaiting ?? 0;
    if (!agent.cache.holdsBlocks || waiting > 0) return;
    await this.readAhead.start(agent, "").catch((error: unknown) => {
      this.options.log.log("warn", `${agent.name} is not read ahead: ${toErrorInfo(error).what}`);
    });
  }

  /** Its blocks are lent out and will come back. Who waits for one that waits itself would wait for ever. */
  private isAtWork(agent: LiveAgent): boolean {
    if (this.readAhead.isReading(agent)) return true;
    return agent.activity !== undefined && agent.activity.state !== "waiting";
  }

  private async saveNow(agent: LiveAgent): Promise<void> {
    let bytes = 0;
    let failure: ErrorInfo | undefined;
    try {
      await agent.writer.commit();
      bytes = await agent.cache.save(agent.writer);
    } catch (error) {
      failure = toErrorInfo(error);
      this.options.log.log("warn", `${agent.name} is not saved: ${failure.code}: ${failure.what}`);
    }
    const changed = failure !== undefined || agent.saveError !== undefined || bytes > 0;
    agent.saveError = failure;
    if (agent.deleted || !changed) return;
    this.options.onSaved(agent, bytes);
    this.options.onChange(agent);
  }
}

const isPinned = (agent: LiveAgent): number => (agent.writer.manifest.pinned === true ? 1 : 0);
