import { AbortedError, type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { LeftBlock } from "../engine/liveTables";
import type { BlockStore } from "../store/blockStore";
import { windowTwin } from "../store/windowFiles";
import type { PromptBuilder } from "../text/prompt";
import { historyUpTo, idsOf, promptAhead } from "./conversation";
import type { LiveAgent } from "./liveAgent";
import type { LiveAgents } from "./liveAgents";
import type { ModelAccess, ModelLease, ModelSession } from "./ports";
import { toSamplingParams } from "./sampling";

export interface ResidencyOptions {
  readonly live: LiveAgents;
  readonly models: ModelAccess;
  readonly blocks: BlockStore;
  readonly log: Log;
  readonly onChange: (agent: LiveAgent) => void;
  /** A save ended; `bytes` of new files were written. */
  readonly onSaved: (agent: LiveAgent, bytes: number) => void;
}

/** Fewer tokens are read before a page could show that they are. */
const tokensWorthShowing = 64;

interface Warming {
  readonly stop: AbortController;
  readonly over: Promise<void>;
  readonly draft: string | undefined;
  /** The engine reads; until then it waits for blocks itself, or for the model. */
  reading: boolean;
}

/** Moves agents' caches between the pool and the disk: read ahead, background saves, room for others. */
export class Residency {
  private readonly saves = new Map<LiveAgent, Promise<void>>();
  private readonly warming = new Map<LiveAgent, Warming>();
  private readonly leaving = new Set<LiveAgent>();
  private readonly watchers: (() => void)[] = [];

  constructor(private readonly options: ResidencyOptions) {}

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
      await this.stopWarming(agent);
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
    await this.stopWarming(agent);
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
   * Reads ahead until the branch at the head is in the pool, with `draft` also what the next message begins with, unless
   * it is answering, hot already, or the model is busy. The newest draft ends the reading of the one before.
   */
  async warm(agent: LiveAgent, draft?: string): Promise<void> {
    for (let under = this.warming.get(agent); under !== undefined; under = this.warming.get(agent)) {
      if (draft === undefined || draft === under.draft) return under.over;
      await this.stopWarming(agent);
    }
    // Since this was asked for, everything may have changed.
    if (agent.deleted || this.leaving.has(agent)) return;
    const { modelDirectory } = agent.writer.manifest;
    const nothingYet = agent.head === undefined && (draft ?? "").trim() === "";
    if (agent.activity !== undefined || nothingYet || !this.options.models.isFree(modelDirectory)) return;
    const stop = new AbortController();
    const over = this.readAhead(agent, draft, stop.signal);
    this.warming.set(agent, { stop, over, draft, reading: false });
    return over;
  }

  /**
   * After an answer: saves it, then reads what every next message begins with, so that a message waits for its own tokens
   * only. While others wait for room nothing is read. Never rejects.
   */
  async settle(agent: LiveAgent): Promise<void> {
    await this.save(agent);
    const waiting = this.options.models.current?.engine.numWaiting ?? 0;
    if (!agent.cache.holdsBlocks || waiting > 0) return;
    await this.warm(agent, "").catch((error: unknown) => {
      this.options.log.log("warn", `${agent.name} is not read ahead: ${toErrorInfo(error).what}`);
    });
  }

  /** Ends a read ahead; what it read stays with the agent. */
  async stopWarming(agent: LiveAgent): Promise<void> {
    const under = this.warming.get(agent);
    under?.stop.abort();
    // Its failure is told to whoever asked for it.
    await under?.over.catch(() => {});
  }

  /** Its blocks are lent out and will come back. Who waits for one that waits itself would wait for ever. */
  private isAtWork(agent: LiveAgent): boolean {
    if (this.warming.get(agent)?.reading === true) return true;
    return agent.activity !== undefined && agent.activity.state !== "waiting";
  }

  /** Rejects with why it could not be done; being stopped is no failure. */
  private async readAhead(agent: LiveAgent, draft: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.warmNow(agent, draft, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.warming.delete(agent);
      agent.readAhead = undefined;
      this.options.onChange(agent);
    }
  }

  private async warmNow(agent: LiveAgent, draft: string | undefined, signal: AbortSignal): Promise<void> {
    const { models } = this.options;
    // A cache that is lent to a read ahead is not there to be saved.
    await unlessStopped(this.saves.get(agent), signal);
    const lease = await leaseUnlessStopped(models, agent.writer.manifest.modelDirectory, signal);
    try {
      const { session } = lease;
      const { ids, settledTokens } = ahead(agent, draft, session.text.prompts);
      if (ids.length === 0 || ids.length >= session.contextTokens) return;
      await agent.cache.makeHot(session, ids, agent.saved, () => this.enter(agent, "restoring"));
      const unread = ids.length - agent.cache.hotTokensOf(session, ids);
      if (signal.aborted || unread === 0) return;
      if (unread >= tokensWorthShowing) this.enter(agent, "reading");
      const generation = agent.cache.submit(session, {
        tokens: ids,
        sampling: toSamplingParams({ seed: 0 }),
        stopIds: [],
        maxTokens: 0,
        priority: "low",
      });
      generation.onEvent(({ type }) => {
        const warming = this.warming.get(agent);
        if (warming === undefined || (type !== "prefill" && type !== "queued")) return;
        warming.reading = type === "prefill";
        if (!warming.reading) this.agentChanged();
      });
      const abort = () => generation.abort();
      signal.addEventListener("abort", abort);
      const { blocks } = await generation.result.finally(() => signal.removeEventListener("abort", abort));
      agent.cache.putAhead(session, blocks, Math.min(settledTokens, blocks.numTokens));
    } finally {
      lease.release();
    }
  }

  private enter(agent: LiveAgent, state: "restoring" | "reading"): void {
    agent.readAhead = state;
    this.options.onChange(agent);
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

/** What the next prompt begins with: the history, and what is known of the message behind it. */
function ahead(agent: LiveAgent, draft: string | undefined, prompts: PromptBuilder) {
  const { tree, head, writer } = agent;
  if (draft !== undefined) return promptAhead(tree, head, draft, writer.manifest.system, prompts);
  const ids = idsOf(historyUpTo(tree, head, prompts));
  return { ids, settledTokens: ids.length };
}

const isPinned = (agent: LiveAgent): number => (agent.writer.manifest.pinned === true ? 1 : 0);

function unlessStopped(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    whenStopped(signal, reject);
    Promise.resolve(work).then(resolve, reject);
  });
}

/** The model goes on loading when a read ahead is stopped: what stops one is mostly a message that needs the model. */
function leaseUnlessStopped(models: ModelAccess, directory: string, signal: AbortSignal): Promise<ModelLease> {
  return new Promise((resolve, reject) => {
    whenStopped(signal, reject);
    models.lease(directory).then((lease) => (signal.aborted ? lease.release() : resolve(lease)), reject);
  });
}

function whenStopped(signal: AbortSignal, reject: (reason: AbortedError) => void): void {
  if (signal.aborted) reject(new AbortedError());
  else signal.addEventListener("abort", () => reject(new AbortedError()), { once: true });
}
