import type { AgentBlocks } from "../../engine/agentBlocks";
import type { Clock } from "../../engine/ports";
import type { BlockStore } from "../../store/blockStore";
import { AgentCache } from "../agentCache";
import type { ModelSession } from "../ports";
import type { Thread } from "./thread";

/** Owner of the blocks: they belong to no agent. */
const owner = "";

/** Ranks of agents' caches are times in ms, 0 and more; those of threads are below 0. */
const belowAgents = -1e15;

/** A request that may not drop a thread's cache tells the engine so. */
export const leastAgentRank = 0;

export interface CacheLimits {
  /** Most idle caches. */
  readonly caches: number;
  /** Share of the pool that idle caches may hold. */
  readonly poolShare: number;
  /** Idle caches leave after this time. */
  readonly ageMs: number;
  /** A shorter cache is read again as quickly as it is restored: it is not written to the disk. */
  readonly longTokens: number;
}

const defaultLimits: CacheLimits = { caches: 24, poolShare: 0.5, ageMs: 60 * 60_000, longTokens: 1000 };

interface Held {
  readonly cache: AgentCache;
  readonly session: ModelSession;
  readonly thread: Thread;
  readonly usedAtMs: number;
}

export interface ThreadCachesPorts {
  readonly blocks: BlockStore;
  readonly clock: Clock;
  /** Saves the thread, if it is long enough. Never rejects. */
  readonly save: (thread: Thread) => Promise<void>;
}

/**
 * The idle caches of threads. A request gets a share of the one that agrees most with it, so requests at once never wait
 * for each other; its own cache takes the place of those that it continues.
 */
export class ThreadCaches {
  private held: readonly Held[] = [];

  private readonly limits: CacheLimits;

  constructor(
    private readonly ports: ThreadCachesPorts,
    limits: Partial<CacheLimits> = {},
  ) {
    this.limits = { ...defaultLimits, ...limits };
  }

  /** A cache for a request, with what the pool holds of `tokens` for a thread. */
  begin(session: ModelSession, tokens: Int32Array): AgentCache {
    const cache = this.newCache();
    let best: Held | undefined;
    let most = 0;
    for (const held of this.held) {
      if (held.session !== session) continue;
      const agreeing = held.cache.hotTokensOf(session, tokens);
      if (agreeing <= most) continue;
      best = held;
      most = agreeing;
    }
    best?.cache.shareWith(cache, most);
    return cache;
  }

  /** Takes the cache of a request that ended. */
  end(cache: AgentCache, session: ModelSession, blocks: AgentBlocks, thread: Thread): void {
    cache.put(session, blocks);
    const tokens = cache.tokenIds;
    const usedAtMs = this.ports.clock.nowMs();
    const isContinued = (held: Held) => held.session === session && isBeginning(held.cache.tokenIds, tokens);
    const [continued, others] = [this.held.filter(isContinued), this.held.filter((held) => !isContinued(held))];
    this.held = [...others, { cache, session, thread, usedAtMs }];
    for (const held of continued) held.cache.release();
    this.prune();
  }

  /** Idle caches of the thread that are worth saving and are not saved. */
  unsaved(thread: Thread): readonly AgentCache[] {
    return this.held
      .filter((held) => held.thread === thread && this.isWorthSaving(held.cache))
      .map(({ cache }) => cache);
  }

  /** Threads with such caches. */
  get unsavedThreads(): ReadonlySet<Thread> {
    return new Set(this.held.filter(({ cache }) => this.isWorthSaving(cache)).map(({ thread }) => thread));
  }

  /** Blocks that idle caches hold; a block that several hold counts once. */
  get numBlocks(): number {
    const keys = new Set<string>();
    let tails = 0;
    for (const { cache, session } of this.held) {
      for (const key of cache.keysInUse) keys.add(key);
      if (cache.tokenIds.length % session.engine.pool.blockTokens > 0) tails += 1;
    }
    return keys.size + tails;
  }

  /** Gives all blocks back. */
  releaseAll(): void {
    const { held } = this;
    this.held = [];
    for (const { cache } of held) cache.release();
  }

  private newCache(): AgentCache {
    const { blocks, clock, save } = this.ports;
    const heldNow = () => this.held.find((held) => held.cache === cache);
    const cache: AgentCache = new AgentCache(owner, blocks, clock, {
      rank: () => {
        const held = heldNow();
        // A request is about to use it: it leaves after the others.
        return held === undefined ? -1 : held.usedAtMs + belowAgents;
      },
      save: async () => {
        const held = heldNow();
        if (held !== undefined) await save(held.thread);
      },
      onDropped: () => {
        this.held = this.held.filter((held) => held.cache !== cache);
      },
    });
    return cache;
  }

  /** The caches used least leave when there are too many; long ones are saved before. */
  private prune(): void {
    const { caches, poolShare, ageMs } = this.limits;
    const nowMs = this.ports.clock.nowMs();
    const seen = new Set<string>();
    const leaving: Held[] = [];
    for (const [index, held] of [...this.held].reverse().entries()) {
      const { pool } = held.session.engine;
      for (const key of held.cache.keysInUse) seen.add(key);
      const isTooMuch = index >= caches || seen.size + index > poolShare * pool.totalBlocks;
      // The newest stays: it is the conversation that goes on.
      if (index > 0 && (isTooMuch || nowMs - held.usedAtMs > ageMs)) leaving.push(held);
    }
    for (const held of leaving) void this.leave(held);
  }

  private async leave(held: Held): Promise<void> {
    if (this.isWorthSaving(held.cache)) await this.ports.save(held.thread);
    if (!this.held.includes(held)) return;
    this.held = this.held.filter((other) => other !== held);
    held.cache.release();
  }

  private isWorthSaving(cache: AgentCache): boolean {
    return !cache.isSaved && cache.tokenIds.length >= this.limits.longTokens;
  }
}

function isBeginning(tokens: Int32Array, of: Int32Array): boolean {
  return tokens.length <= of.length && tokens.every((id, index) => of[index] === id);
}
