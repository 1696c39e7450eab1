import type { AgentBlocks } from "../engine/agentBlocks";
import type { Generation } from "../engine/generation";
import type { IdleTerms } from "../engine/idleCache";
import type { Clock } from "../engine/ports";
import type { GenerationRequest, Priority } from "../engine/request";
import { commonPrefix } from "../engine/tokenHistory";
import type { AgentId, CacheRefusal, CacheSource } from "../protocol/service";
import type { AgentWriter } from "../store/agentWriter";
import type { BlockStore } from "../store/blockStore";
import { planRestore, type RestorePlan, restoreCache, type SavedCache } from "./cacheRestore";
import { CacheSaver } from "./cacheSave";
import { KeyedHistories, type KnownKeys } from "./keyedHistory";
import type { ModelSession } from "./ports";

interface Held {
  readonly blocks: AgentBlocks;
  readonly session: ModelSession;
  /** The tokens behind these belong to a message that was not sent: they are not saved. */
  readonly settledTokens: number;
}

/** How the engine ranks, saves and drops the cache of an idle agent. */
export type IdleAgent = Pick<IdleTerms, "rank" | "onDropped"> & { readonly save: () => Promise<void> };

export interface HotOptions {
  readonly priority?: Priority;
  /** Ends the restore soon. Blocks that were restored before stay. */
  readonly signal?: AbortSignal;
  readonly onRestoring?: (tokens: number) => void;
}

const noTokens = new Int32Array(0);

/**
 * One agent's KV cache: in the pool, lent to a generation, or only on disk. A cache that is in the pool and not lent is
 * idle: the engine may drop it when others need its blocks.
 */
export class AgentCache {
  private held: Held | undefined;
  private readonly keyed = new KeyedHistories();
  /** The blocks that were saved last. Their contents are on disk, or the save failed. */
  private savedBlocks: AgentBlocks | undefined;
  /** The generation that has the cache at the moment. */
  private lentTo: Generation | undefined;
  /**
   * Tokens that the current turn restored from disk. What a read-ahead restored was in memory when the message came.
   */
  private tokensFromDisk = 0;
  /**
   * Why a part of the stored cache was refused since the last turn. A read-ahead's refusal is shown with the next turn.
   */
  private refused: CacheRefusal | undefined;
  private readonly saver: CacheSaver;
  /** Keys of the blocks that were lent. */
  private lentKeys: readonly string[] = [];

  constructor(
    private readonly owner: AgentId,
    private readonly store: BlockStore,
    private readonly clock: Clock,
    private readonly agent: IdleAgent,
  ) {
    this.saver = new CacheSaver(store);
  }

  /** Tokens in the pool, including those of the current turn. */
  get hotTokens(): number {
    if (this.lentTo === undefined) return this.usable?.blocks.numTokens ?? 0;
    const { reusedTokens, prefilledTokens, generatedTokens } = this.lentTo.figures();
    // The token that was sampled last has not been fed back yet.
    return reusedTokens + prefilledTokens + Math.max(0, generatedTokens - 1);
  }

  /** Keys of the full blocks that are in use now. */
  get keysInUse(): readonly string[] {
    return this.lentTo === undefined ? (this.usable?.blocks.keys ?? []) : this.lentKeys;
  }

  /** Ids of the tokens in the pool; none while they are lent. */
  get tokenIds(): Int32Array {
    return this.usable?.blocks.tokenIds ?? noTokens;
  }

  /** What it holds was saved. */
  get isSaved(): boolean {
    return this.usable !== undefined && this.savedBlocks === this.usable.blocks;
  }

  get holdsBlocks(): boolean {
    return (this.held?.blocks.table.length ?? 0) > 0;
  }

  /**
   * Restores the stored blocks of a prefix of `tokens` into the pool, as long as they are undamaged and blocks are
   * free. Blocks are verified before any table names them; the first bad one ends the restore. Resolves with the
   * milliseconds spent.
   */
  async makeHot(
    session: ModelSession,
    tokens: Int32Array,
    saved: SavedCache,
    { priority = "normal", signal, onRestoring }: HotOptions = {},
  ): Promise<number> {
    const startedMs = this.clock.nowMs();
    if (priority === "normal") this.tokensFromDisk = 0;
    const window = session.engine.windowTokens;
    const history = this.keyed.of(session.identity, tokens, this.heldKeys);
    const plan = await planRestore(this.store, session, history, this.hotTokensOf(session, tokens), saved, window);
    this.refused ??= plan.refused;
    if (plan.endToken <= plan.hotTokens) return 0;
    onRestoring?.(plan.endToken - plan.hotTokens);
    await this.restore(session, tokens, plan, priority, signal);
    return this.clock.nowMs() - startedMs;
  }

  private async restore(
    session: ModelSession,
    tokens: Int32Array,
    plan: RestorePlan,
    priority: Priority,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let inUse: Held | undefined;
    // From now on the cache is in use, not idle: the engine must not drop it to make room for its own continuation.
    const onBegin = () => {
      inUse = this.held;
      inUse?.blocks.setIdle(undefined);
      return inUse === undefined ? 0 : plan.hotTokens;
    };
    try {
      const request = { owner: this.owner, tokens, priority, signal, onBegin };
      const { blocks, loadedTokens, refused } = await restoreCache(this.store, session, request, plan);
      this.refused ??= refused;
      if (blocks === undefined) return;
      this.hold({ blocks, session, settledTokens: blocks.numTokens });
      if (priority === "normal") this.tokensFromDisk += loadedTokens;
    } finally {
      if (inUse !== undefined && inUse === this.held) this.leaveIdle(inUse);
    }
  }

  /** Hands the cache to the engine with the request; it comes back by `put`. Throws as `submit` does, keeping it. */
  submit(session: ModelSession, request: Omit<GenerationRequest, "owner" | "blocks">): Generation {
    const blocks = this.usable?.blocks;
    const keys = blocks?.keys ?? [];
    const generation = session.engine.submit({
      ...request,
      owner: this.owner,
      ...(blocks === undefined ? {} : { blocks }),
    });
    this.held = undefined;
    this.lentTo = generation;
    this.lentKeys = keys;
    const returned = () => {
      if (this.lentTo === generation) this.lentTo = undefined;
    };
    generation.result.then(returned, returned);
    return generation;
  }

  /** Takes a turn's cache back. */
  put(session: ModelSession, blocks: AgentBlocks): void {
    this.putAhead(session, blocks);
    this.tokensFromDisk = 0;
    this.refused = undefined;
  }

  /** Takes a read-ahead's cache back. The turn that it was read for has not begun. */
  putAhead(session: ModelSession, blocks: AgentBlocks, settledTokens = blocks.numTokens): void {
    this.hold({ blocks, session, settledTokens });
  }

  /** Where the reused tokens of the current turn came from. */
  sourceOf(reusedTokens: number): CacheSource {
    const tier = reusedTokens === 0 ? "cold" : this.tokensFromDisk > 0 ? "warm" : "hot";
    return this.refused === undefined ? { tier } : { tier, refused: this.refused };
  }

  /** Writes what is not on disk yet and commits the manifest that names it. Resolves with the bytes of new files. */
  save(writer: AgentWriter): Promise<number> {
    return this.saveWith((session, blocks) => this.saver.save(session, blocks, writer));
  }

  /** `write` gets blocks that do not change meanwhile. When it resolves, they are saved. 0: there is nothing to save. */
  async saveWith(write: (session: ModelSession, blocks: AgentBlocks) => Promise<number>): Promise<number> {
    const held = this.usable;
    if (held === undefined) return 0;
    // The snapshot is a second owner: a request that continues with the cache meanwhile copies a block before it writes
    // it.
    const snapshot = held.blocks.fork();
    if (held.settledTokens < snapshot.numTokens) snapshot.rewind(held.settledTokens);
    snapshot.keepWindow();
    try {
      const bytes = await write(held.session, snapshot);
      if (this.held === held) this.savedBlocks = held.blocks;
      return bytes;
    } finally {
      snapshot.release();
    }
  }

  /** Gives `other` a share of the blocks, up to `numTokens`. */
  shareWith(other: AgentCache, numTokens: number): void {
    const held = this.usable;
    if (held === undefined) return;
    other.putAhead(held.session, held.blocks.fork(other.owner));
    other.rewind(numTokens);
  }

  rewind(numTokens: number): void {
    const blocks = this.usable?.blocks;
    blocks?.rewind(Math.min(numTokens, blocks.numTokens));
  }

  release(): void {
    this.held?.blocks.release();
    this.held = undefined;
    this.savedBlocks = undefined;
  }

  private hold(held: Held): void {
    this.release();
    this.held = held;
    this.leaveIdle(held);
  }

  private leaveIdle(held: Held): void {
    let saving: Promise<void> | undefined;
    held.blocks.setIdle({
      rank: this.agent.rank,
      save: () => {
        if (this.savedBlocks === held.blocks) return undefined;
        saving ??= this.agent.save().finally(() => {
          if (this.held === held) this.savedBlocks = held.blocks;
        });
        return saving;
      },
      onDropped: () => {
        if (this.held !== held) return;
        this.held = undefined;
        this.savedBlocks = undefined;
        this.agent.onDropped();
      },
    });
  }

  /** Number of leading tokens of `tokens` that the engine can reuse from the held cache. */
  hotTokensOf({ engine }: ModelSession, tokens: Int32Array): number {
    const hot = this.usable?.blocks;
    if (hot === undefined) return 0;
    const agreeing = commonPrefix(hot.tokenIds, tokens);
    // A prompt that is held to its end is run again from its last token.
    return engine.hasWindow(hot, Math.min(agreeing, tokens.length - 1)) ? agreeing : 0;
  }

  /** Keys that the engine computed for the tokens of the held cache. */
  private get heldKeys(): readonly KnownKeys[] {
    const blocks = this.usable?.blocks;
    return blocks === undefined ? [] : [{ tokens: blocks.tokenIds, keys: blocks.keys }];
  }

  /** The held cache, unless the device failed since. */
  private get usable(): Held | undefined {
    return this.held?.blocks.stale ? undefined : this.held;
  }
}
