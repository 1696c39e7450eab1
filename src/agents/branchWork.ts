import { throwIfAborted, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { Progress, TurnId } from "../protocol/service";
import { adoptionOf } from "./adoption";
import { Compactor, type CompactorPorts } from "./compactor";
import type { LiveAgent } from "./liveAgent";
import type { Residency } from "./residency";

export interface BranchWorkPorts extends Omit<CompactorPorts, "stopReadAhead"> {
  readonly residency: () => Residency;
  readonly log: Log;
  readonly onChange: (agent: LiveAgent) => void;
}

/** Branches that come from elsewhere than from a message: a fork's, and one that begins with a summary. */
export class BranchWork {
  private readonly compactor: Compactor;

  constructor(private readonly ports: BranchWorkPorts) {
    this.compactor = new Compactor({
      ...ports,
      stopReadAhead: (agent) => ports.residency().readAhead.stop(agent),
    });
  }

  /** Copies what the branch at the head of `source` has and `agent` has not. Resolves with the branch's last turn. */
  adopt(agent: LiveAgent, source: LiveAgent, asHead: boolean): Promise<TurnId> {
    return this.occupy(agent, "takes over a branch", undefined, async () => {
      source.assertIdle();
      // Its blocks are on disk and named by this agent before the branch is: the fork may be deleted next.
      await source.over;
      await this.ports.residency().save(source);
      const keyRecords = await agent.writer.keys.addAllOf(source.writer.keys);
      source.assertIdle();
      const { records, last } = adoptionOf(partsOf(agent), partsOf(source));
      const { cache } = agent.writer.manifest;
      if (cache !== undefined) agent.writer.change({ cache: { ...cache, keyRecords } });
      await agent.addBranch(records, asHead ? last : undefined, this.ports.wallClockMs());
      if (asHead) await this.takeCache(agent, source);
      return last;
    });
  }

  /**
   * Asks for a summary of the conversation and begins a new branch with it and the last `turns` turns. Until that is on disk a
   * stop leaves everything as it was. Resolves with what the next message reads before its own text, in tokens; 0: not known.
   */
  compact(
    agent: LiveAgent,
    turns: number,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    return this.occupy(agent, "is being summarised", signal, async (stop) => {
      const { records, tokens } = await this.compactor.branch(agent, { turns, onProgress, signal: stop });
      throwIfAborted(stop);
      await agent.addTexts(records, this.ports.wallClockMs());
      const { readAhead } = this.ports.residency();
      await readAhead.stop(agent);
      agent.cache.rewind(agent.tokensBeforeAll);
      // The new branch is read while the person looks at it.
      void readAhead.start(agent, { text: "" }).catch((error: unknown) => {
        this.ports.log.log("warn", `${agent.name} is not read ahead: ${toErrorInfo(error).what}`);
      });
      return tokens;
    });
  }

  /** The head is a copy of the source's: so is what is in memory of it. */
  private async takeCache(agent: LiveAgent, source: LiveAgent): Promise<void> {
    const residency = this.ports.residency();
    const { readAhead } = residency;
    const { headTokens, modelDirectory } = agent.writer.manifest;
    await readAhead.stop(agent);
    // The last block is in the source's own folder.
    const isLoaded = this.ports.models.loaded(modelDirectory) !== undefined;
    if (source.cache.hotTokens < headTokens && isLoaded) await readAhead.start(source).catch(() => {});
    await readAhead.stop(source);
    if (source.cache.hotTokens > 0) source.cache.shareWith(agent.cache, headTokens);
    else agent.cache.rewind(headTokens);
    void residency.settle(agent);
  }

  /** Does `work` while nothing else may change the agent's conversation. Closing and deleting the agent stop it. */
  private async occupy<T>(
    agent: LiveAgent,
    what: string,
    signal: AbortSignal | undefined,
    work: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    agent.assertIdle();
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    const done = work(stop.signal).finally(() => {
      agent.work = undefined;
      signal?.removeEventListener("abort", abort);
      this.ports.onChange(agent);
    });
    agent.work = { what, abort, over: done.catch(() => {}) };
    this.ports.onChange(agent);
    return done;
  }
}

function partsOf({ writer, tree }: LiveAgent) {
  return { manifest: writer.manifest, tree };
}
