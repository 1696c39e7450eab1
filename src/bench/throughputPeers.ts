import { AbortedError } from "../common/errors";
import type { BenchRow, ModelSummary } from "../protocol/service";
import { type PeerName, type PeerRequest, peerNames, type RunPeer, ratioNames, type Workload } from "./peers";
import type { SuiteRun } from "./suite";
import { medianRate, notRunRow, throughputRow } from "./throughputRows";

/** mlx_lm takes as long for 16 tokens on a CPU as llama.cpp for 500: it gets workloads up to this size only. */
export interface SlowPeerLimits {
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly repeats: number;
}

/** A peer's row, and the tokens per second in it. */
export interface PeerResult {
  readonly peer: PeerName;
  readonly row: BenchRow;
  readonly tokensPerSecond: number;
}

export interface PeerContext {
  readonly model: Pick<ModelSummary, "directory" | "isStarter">;
  /** The file that the model was imported from; of the starter model it is known. */
  readonly gguf: string | undefined;
  readonly threads: number;
  readonly slow: SlowPeerLimits;
}

/** Measures the peers one after the other. One that fails is left out from then on, and its reason is kept. */
export class ThroughputPeers {
  private readonly reasons = new Map<PeerName, string>();

  constructor(
    private readonly runPeer: RunPeer,
    private readonly context: PeerContext,
  ) {
    if (context.model.isStarter || context.gguf !== undefined) return;
    for (const peer of peerNames) {
      if (peer !== "mlx_lm")
        this.reasons.set(peer, "the GGUF file that the model was imported from is not known: name it with --gguf");
    }
  }

  /** The rows of those that could not be measured. */
  get notRun(): readonly BenchRow[] {
    return [...this.reasons].map(([peer, reason]) => notRunRow(peer, reason));
  }

  async measure(
    name: string,
    workload: Workload,
    step: (message: string) => void,
    { signal }: Pick<SuiteRun, "signal">,
  ): Promise<readonly PeerResult[]> {
    const results: PeerResult[] = [];
    for (const peer of peerNames) {
      const request = peerRequest(peer, workload, this.context);
      if (request === undefined || this.reasons.has(peer)) continue;
      step(`${name}: ${peer}`);
      try {
        const onPreparing = (message: string) => step(`${peer}: ${message}`);
        const run = await this.runPeer(peer, request, { onPreparing, signal });
        const measured = { ...run, threads: request.threads };
        const row = throughputRow(name, request, measured);
        results.push({ peer, row, tokensPerSecond: medianRate(run.samples) });
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        this.reasons.set(peer, `${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return results;
  }
}

/** The workload for a peer, or `undefined` where it gets none. */
function peerRequest(
  peer: PeerName,
  workload: Workload,
  { model, gguf, threads, slow }: PeerContext,
): PeerRequest | undefined {
  const request = { ...workload, model: model.directory, threads, ...(gguf === undefined ? {} : { gguf }) };
  if (peer !== "mlx_lm") return request;
  if (workload.sequences > 1 || workload.promptTokens > slow.promptTokens) return undefined;
  return {
    ...request,
    decodeTokens: Math.min(workload.decodeTokens, slow.decodeTokens),
    repeats: Math.min(workload.repeats, slow.repeats),
  };
}

/** Our rate divided by that of each peer. */
export function ratios(ownRate: number, results: readonly PeerResult[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    results.map(({ peer, tokensPerSecond }) => [ratioNames[peer], ownRate / tokensPerSecond] as const),
  );
}
