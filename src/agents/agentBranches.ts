import { InvalidRequestError, throwIfAborted, toErrorInfo } from "../common/errors";
import type { AdoptOptions, AgentId, AgentSummary, CompactOptions, Progress, TurnId } from "../protocol/service";
import { adoptionOf } from "./adoption";
import type { AgentWorld } from "./agentWorld";
import { Compactor, type CompactorPorts } from "./compactor";
import type { LiveAgent } from "./liveAgent";

/** Another branch at an agent's head: an earlier one, or one that comes from elsewhere than from a message. */
export function agentBranches(world: AgentWorld, engines: Pick<CompactorPorts, "local" | "remote">) {
  const { live, residency, options } = world;
  const { readAhead } = residency;
  const compactor = new Compactor({ ...options, ...engines, stopReadAhead: (agent) => readAhead.stop(agent) });

  /** The head is a copy of the source's: so is what is in memory of it. */
  async function takeCache(agent: LiveAgent, source: LiveAgent): Promise<void> {
    const { headTokens, modelDirectory } = agent.writer.manifest;
    await readAhead.stop(agent);
    // The last block on disk is in the source's own folder: it is read back from there, but nothing is computed for it.
    const isLoaded = options.models.loaded(modelDirectory) !== undefined;
    const { cache } = source.writer.manifest;
    const isOnDisk = cache !== undefined && cache.tokens >= headTokens - 1;
    if (source.cache.hotTokens < headTokens && isLoaded && isOnDisk) await readAhead.start(source).catch(() => {});
    await readAhead.stop(source);
    if (source.cache.hotTokens > 0) source.cache.shareWith(agent.cache, headTokens);
    else agent.cache.rewind(headTokens);
    void residency.settle(agent);
  }

  /** Does `work` while nothing else may change the agent's conversation. Closing and deleting the agent stop it. */
  async function occupy<T>(
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
      world.changed(agent);
    });
    agent.work = { what, abort, over: done.catch(() => {}) };
    world.changed(agent);
    return done;
  }

  return {
    /** Moves the head; nothing is removed. */
    rewind(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
      return world.changeIdle(id, async (agent) => {
        if (turn !== undefined) agent.turn(turn);
        const wanted = agent.headAt(turn);
        const { head = null, headTokens, headTurns, headCalls = 0 } = agent.writer.manifest;
        await agent.writer.commitOrUndo(wanted, { head, headTokens, headTurns, headCalls });
        await readAhead.stop(agent);
        agent.cache.rewind(wanted.headTokens);
      });
    },

    /** For a full context: the last `turns` turns become a new branch. The branch that was left stays reachable. */
    startOver(id: AgentId, turns: number): Promise<AgentSummary> {
      return world.changeIdle(id, async (agent) => {
        await agent.filesCommitted;
        await agent.startOverWith(turns, options.wallClockMs());
        await readAhead.stop(agent);
        agent.cache.rewind(agent.tokensBeforeAll);
      });
    },

    /** Copies the branch at the head of `from`, a fork of the agent, from where the two part. Resolves with its last turn. */
    async adoptBranch(id: AgentId, from: AgentId, { asHead = false }: AdoptOptions = {}): Promise<TurnId> {
      if (id === from) {
        throw new InvalidRequestError("an agent has its own branches", "name a fork of it", { agent: id });
      }
      const adopt = (agent: LiveAgent, source: LiveAgent) =>
        occupy(agent, "takes over a branch", undefined, async () => {
          source.assertIdle();
          // Its blocks are on disk and named by this agent before the branch is: the fork may be deleted next.
          await source.over;
          await residency.save(source);
          const keyRecords = await agent.writer.keys.addAllOf(source.writer.keys);
          source.assertIdle();
          const { records, last } = adoptionOf(partsOf(agent), partsOf(source));
          const { cache } = agent.writer.manifest;
          if (cache !== undefined) agent.writer.change({ cache: { ...cache, keyRecords } });
          await agent.addBranch(records, asHead ? last : undefined, options.wallClockMs());
          if (asHead) await takeCache(agent, source);
          return last;
        });
      return live.use(id, (agent) => live.use(from, (source) => adopt(agent, source)));
    },

    /**
     * For a long or full context: asks for a summary of the conversation and begins a new branch with it and the last turns.
     * Until that is on disk a stop leaves everything as it was.
     */
    compact(
      id: AgentId,
      { turns }: CompactOptions,
      onProgress: (progress: Progress) => void = () => {},
      signal?: AbortSignal,
    ): Promise<AgentSummary> {
      return live.use(id, async (agent) => {
        const tokens = await occupy(agent, "is being summarised", signal, async (stop) => {
          const branch = await compactor.branch(agent, { turns, onProgress, signal: stop });
          throwIfAborted(stop);
          await agent.addTexts(branch.records, options.wallClockMs());
          await readAhead.stop(agent);
          agent.cache.rewind(agent.tokensBeforeAll);
          // The new branch is read while the person looks at it.
          void readAhead.start(agent, { text: "" }).catch((error: unknown) => {
            options.log.log("warn", `${agent.name} is not read ahead: ${toErrorInfo(error).what}`);
          });
          return branch.tokens;
        });
        return { ...agent.summary(), tokens };
      });
    },
  };
}

function partsOf({ writer, tree }: LiveAgent) {
  return { manifest: writer.manifest, tree };
}
