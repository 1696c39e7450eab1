import type { BenchRow, ResidentService, TurnFigures } from "../protocol/service";
import { type AgentService, withReadingAgent } from "./readingAgent";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface ResumePlan {
  /** Tokens that the agent has read before it is asked again. */
  readonly contexts: readonly number[];
  /** Questions asked of the agent hot, and again after its blocks came from disk. */
  readonly repeats: number;
}

type Service = AgentService & Pick<ResidentService, "unloadModel" | "loadModel">;

/**
 * What a person waits for: TTFT of an agent that reads everything (cold), whose blocks are in the pool (hot), and whose
 * blocks come from disk in a model loaded anew (warm; the restore is part of the wait). The answers of all three are
 * short. Each context is read once: that is the slow part, and it is the point.
 */
export function resumeSuite(service: Service, plan: ResumePlan): Suite {
  return async (run) => {
    const rows: BenchRow[] = [];
    for (const [i, context] of plan.contexts.entries()) {
      const step = (message: string) =>
        run.onProgress({
          done: i,
          total: plan.contexts.length,
          unit: "runs",
          message: `${context} tokens: ${message}`,
        });
      rows.push(...(await measureContext(service, plan, context, step, run.signal)));
    }
    return rows;
  };
}

async function measureContext(
  service: Service,
  plan: ResumePlan,
  context: number,
  step: (message: string) => void,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  await service.loadModel(signal);
  return withReadingAgent(service, context, signal, async (agent) => {
    const ask = (message: string) => {
      step(message);
      return agent.ask();
    };
    const cold = await ask("reading everything");
    const hot: TurnFigures[] = [];
    for (let i = 0; i < plan.repeats; i += 1) hot.push(await ask("from memory"));
    const warm: TurnFigures[] = [];
    for (let i = 0; i < plan.repeats; i += 1) {
      await service.unloadModel();
      await service.loadModel(signal);
      warm.push(await ask("from disk"));
    }
    return resumeRows(cold, hot, warm);
  });
}

/** What was read before must be worth it: by how many times an agent answers sooner than one that reads everything. */
const leastGain = { hot: 10, warm: 5 } as const;

/** The restore counts: the person waits for it too. */
const waitMs = (figures: TurnFigures) => figures.ttftMs + figures.restoreMs;

/** Cold, hot and warm, the latter two with the time that they may take. */
export function resumeRows(
  cold: TurnFigures,
  hot: readonly TurnFigures[],
  warm: readonly TurnFigures[],
): readonly BenchRow[] {
  const later = (tier: "hot" | "warm", all: readonly TurnFigures[]) => ({
    ...row(tier, all, cold),
    targetMs: waitMs(cold) / leastGain[tier],
  });
  return [row("cold", [cold]), later("hot", hot), later("warm", warm)];
}

function row(tier: "cold" | "hot" | "warm", all: readonly TurnFigures[], cold?: TurnFigures): BenchRow {
  const times = percentiles(all.map(waitMs));
  const last = all.at(-1);
  return {
    case: `${tier}, ${cold?.promptTokens ?? last?.promptTokens ?? 0} tokens`,
    ...times,
    tier,
    contextTokens: cold?.promptTokens ?? last?.promptTokens ?? 0,
    reusedTokens: last?.reusedTokens ?? 0,
    prefilledTokens: last?.prefilledTokens ?? 0,
    restoreMs: last?.restoreMs ?? 0,
    ...(cold ? { coldOverThis: waitMs(cold) / Math.max(times.p50Ms, 0.001) } : {}),
  };
}
