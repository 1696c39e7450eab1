import type { BenchRow, ResidentService, TurnFigures } from "../protocol/service";
import { type AgentService, withReadingAgent } from "./readingAgent";
import { percentiles } from "./statistics";
import type { Suite } from "./suite";

export interface ResumePlan {
  /** Tokens that the agent has read before it is asked again. */
  readonly contexts: readonly number[];
  /** Questions to the hot agent, and as many to the agent whose blocks come from disk. */
  readonly repeats: number;
}

type Service = AgentService & Pick<ResidentService, "unloadModel" | "loadModel">;

/**
 * How long a person waits: TTFT of an agent that reads everything (cold), whose blocks are in the pool (hot), and whose
 * blocks come from disk after the model was loaded again (warm; the restore is included). All answers are short. Each
 * context is read once.
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

/** How many times sooner than a cold agent a hot and a warm one must answer. */
const leastGain = { hot: 10, warm: 5 } as const;

/** Includes the restore: the person waits for it too. */
const waitMs = (figures: TurnFigures) => figures.ttftMs + figures.restoreMs;

/** Rows for cold, hot and warm; hot and warm have the most that they may take as a target. */
function resumeRows(cold: TurnFigures, hot: readonly TurnFigures[], warm: readonly TurnFigures[]): readonly BenchRow[] {
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
