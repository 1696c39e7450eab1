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

/** Moves agents' caches between the pool and the disk: background saves and read-aheads. */
export class Residency {
  readonly readAhead: ReadAhead;
  private readonly saves = new Map<LiveAgent, Promise<void>>();
  private readonly leaving = new Set<LiveAgent>();

  constructor(private readonly options: ResidencyOptions) {
    this.readAhead = new ReadAhead({
      models: options.models,
      saving: (agent) => this.saves.get(agent),
      isLeaving: (agent) => this.leaving.has(agent),
      onChange: options.onChange,
    });
  }

  /** Saves log and cache, after the running save if there is one. Never rejects: a failure is kept in `saveError`. */
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
   * Writes a block that left an agent's window: a rewind may need it. `undefined`: the block belongs to no agent. Never
   * rejects.
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

  /** Saves and releases all agents' caches, before the model is unloaded. */
  async evictAll(): Promise<void> {
    for (const agent of this.options.live.all()) await this.evict(agent);
  }

  /** Something of the agent is being saved or read ahead. */
  isBusy(agent: LiveAgent): boolean {
    return this.saves.has(agent) || this.leaving.has(agent) || this.readAhead.isUnderWay(agent);
  }

  /**
   * After an answer: saves it, then reads the tokens that every next message begins with, so that the next message is
   * delayed by its own tokens only. Reads nothing while others wait for blocks. Never rejects.
   */
  async settle(agent: LiveAgent): Promise<void> {
    await this.save(agent);
    const waiting = this.options.models.current?.engine.numWaiting ?? 0;
    if (!agent.cache.holdsBlocks || waiting > 0) return;
    // A draft that came during the save includes these tokens: its reading must not be replaced.
    if (this.readAhead.readsDraft(agent)) return;
    await this.readAhead.start(agent, { text: "" }).catch((error: unknown) => {
      this.options.log.log("warn", `${agent.name} is not read ahead: ${toErrorInfo(error).what}`);
    });
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

/** Caches of a lower rank leave memory first: the least recently used, pinned agents' last. */
export function rankOf({ writer }: LiveAgent): number {
  const { lastUsedAt, pinned } = writer.manifest;
  return lastUsedAt + (pinned === true ? 1e15 : 0);
}
