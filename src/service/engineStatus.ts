import type { EngineMetrics, PoolStatus } from "../protocol/service";
import type { LoadedModel } from "./modelHost";

const idleMetrics: EngineMetrics = {
  kvCacheUsage: 0,
  prefixCacheQueries: 0,
  prefixCacheHits: 0,
  numRequestsRunning: 0,
  numRequestsWaiting: 0,
  numPreemptions: 0,
  decodeTokensPerSecond: 0,
  prefillTokensPerSecond: 0,
  ttftP50Ms: 0,
  ttftP95Ms: 0,
  specDecodeNumDraftTokens: 0,
  specDecodeNumAcceptedTokens: 0,
  movedSlabs: 0,
};

export function engineMetrics(loaded: LoadedModel | undefined): EngineMetrics {
  if (loaded === undefined) return idleMetrics;
  const metrics = loaded.session.engine.metricsSnapshot();
  return {
    kvCacheUsage: metrics.kvCacheUsage,
    prefixCacheQueries: metrics.prefixCacheQueries,
    prefixCacheHits: metrics.prefixCacheHits,
    numRequestsRunning: metrics.numRequestsRunning,
    numRequestsWaiting: metrics.numRequestsWaiting,
    numPreemptions: metrics.numPreemptions,
    decodeTokensPerSecond: metrics.decodeTokensPerSecond,
    prefillTokensPerSecond: metrics.prefillTokensPerSecond,
    ttftP50Ms: metrics.ttftP50Ms,
    ttftP95Ms: metrics.ttftP95Ms,
    specDecodeNumDraftTokens: loaded.runner.draftedTokens,
    specDecodeNumAcceptedTokens: loaded.runner.acceptedTokens,
    movedSlabs: loaded.runner.movedSlabs,
  };
}

export function poolStatus({ session, info, pool: memory, poolReduced }: LoadedModel): PoolStatus {
  const { pool, windowPool } = session.engine;
  const { kvBytesPerToken, window } = info;
  const tokenBytes = windowPool === undefined ? kvBytesPerToken : kvBytesPerToken - (window?.kvBytesPerToken ?? 0);
  return {
    bytes: memory.bytes,
    totalBlocks: pool.totalBlocks,
    usedBlocks: pool.referencedBlocks,
    reusableBlocks: pool.reusableBlocks,
    freeBlocks: pool.freeBlocks,
    blockTokens: pool.blockTokens,
    blockBytes: pool.blockTokens * tokenBytes,
    ...(windowPool && { window: { totalBlocks: windowPool.totalBlocks, usedBlocks: windowPool.referencedBlocks } }),
    ...(poolReduced && { reduced: poolReduced }),
    map: session.engine
      .poolMap()
      .map(({ kind, owner, count }) => (owner === undefined ? { kind, count } : { kind, agent: owner, count })),
  };
}
