import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { type AnswerPlan, eventLoopRows, hotAgentRows, rewriteRow, sharingRow } from "./engineAnswers";
import { besideReadAheadRow, besideReadingRow, besideRestoringRow } from "./engineBeside";
import { grammarRow } from "./engineGrammar";
import { churnRow, poolOperationRows } from "./enginePool";
import type { EngineProbe } from "./engineProbe";
import { samplingRow } from "./engineSampling";
import { togetherRows } from "./engineSteps";
import { besideSmallRow, delegatesRow } from "./engineTogether";
import { residentBytes } from "./memory";
import type { AgentService } from "./readingAgent";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface EnginePlan extends AnswerPlan {
  readonly poolBlocks: number;
  readonly churnSteps: number;
}

type Service = AgentService & Pick<ResidentService, "chat" | "forkAgent" | "generate" | "loadModel" | "unloadModel">;

/** What the engine promises in addition to speed: sharing, fairness, guesses, and a host that is not delayed. */
export function engineSuite(service: Service, plan: EnginePlan, probe: EngineProbe): Suite {
  return async ({ onProgress, signal }) => {
    await service.loadModel(signal);
    const parts: readonly (readonly [string, () => Promise<readonly BenchRow[]>])[] = [
      ["sharing", async () => [await sharingRow(service, plan, signal)]],
      ["a hot agent", () => hotAgentRows(service, plan, signal)],
      ["guesses", async () => [await rewriteRow(service, plan, signal)]],
      ["answers together", () => togetherRows(service, plan, probe, signal)],
      ["delegates", async () => [await delegatesRow(service, plan, signal)]],
      ["small requests", async () => [await besideSmallRow(service, plan, signal)]],
      ["sampling", async () => [await samplingRow(probe)]],
      ["a grammar", async () => [await grammarRow(service, plan, signal)]],
      ["fairness to readers", async () => [await besideReadingRow(service, plan, signal)]],
      ["read ahead", async () => [await besideReadAheadRow(service, plan, probe, signal)]],
      ["restores", async () => [await besideRestoringRow(service, plan, probe, signal)]],
      ["the host's event loop", () => eventLoopRows(service, plan, probe, signal)],
      ["memory", async () => [await memoryRow(service, probe, signal)]],
      ["the pool", async () => [...poolOperationRows(plan.poolBlocks, plan.repeats), churnRow(512, plan.churnSteps)]],
    ];
    const rows: BenchRow[] = [];
    for (const [i, [message, measure]] of parts.entries()) {
      throwIfAborted(signal);
      onProgress({ done: i, total: parts.length, unit: "runs", message });
      rows.push(...(await measure()));
    }
    return rows;
  };
}

/** Memory of this process with the model and after the model was freed. */
async function memoryRow(service: Service, probe: EngineProbe, signal: AbortSignal): Promise<BenchRow> {
  const loadedBytes = residentBytes(probe.footprintBytes);
  const startedMs = performance.now();
  await service.unloadModel();
  const unloadMs = performance.now() - startedMs;
  const unloadedBytes = residentBytes(probe.footprintBytes);
  await service.loadModel(signal);
  return { case: "memory with the model and without", ...percentiles([unloadMs]), loadedBytes, unloadedBytes };
}
