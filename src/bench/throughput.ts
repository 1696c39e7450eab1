import * as os from "node:os";
import { throwIfAborted } from "../common/errors";
import type { BenchRow, ResidentService } from "../protocol/service";
import { peerNames, type RunPeer, type Workload } from "./peers";
import { meanRoofline, type Roofline, rooflineRow, underRoof } from "./roofline";
import type { Suite } from "./suite";
import { measureOwn } from "./throughputOwn";
import { ratios, type SlowPeerLimits, ThroughputPeers } from "./throughputPeers";
import { medianRate, ownEngine, throughputRow } from "./throughputRows";

export interface ThroughputPlan {
  readonly prefillTokens: readonly number[];
  /** Tokens of one answer to a short prompt, of one that ends at a long context, and of each of several together. */
  readonly decodeTokens: number;
  readonly longContextTokens: number;
  readonly longDecodeTokens: number;
  readonly togetherTokens: number;
  /** Sequences that run together. */
  readonly together: number;
  readonly repeats: number;
  /** Time for each engine in each case; a slow engine gets fewer repeats. */
  readonly budgetMs: number;
  readonly slowPeer: SlowPeerLimits;
}

type Service = Pick<ResidentService, "generate" | "loadModel">;

interface Case {
  readonly name: string;
  readonly workload: Workload;
}

const shortPromptTokens = 16;

/**
 * Prefill, decode and several sequences in one batch, on the loaded model. Each case is run by our engine with the usual
 * sampling, and then by the peers that can be run here, greedily, while our engine is idle.
 */
export function throughputSuite(
  service: Service,
  plan: ThroughputPlan,
  programs?: { readonly run: RunPeer; readonly gguf: string | undefined },
  measureRoofline?: () => Promise<Roofline>,
): Suite {
  return async (run) => {
    const model = await service.loadModel(run.signal);
    let roofline = await measureRoofline?.();
    const threads = os.availableParallelism();
    const peers =
      programs && new ThroughputPeers(programs.run, { model, gguf: programs.gguf, threads, slow: plan.slowPeer });
    const cases = casesOf(plan, model.contextTokens);
    const total = cases.length * (peers ? 1 + peerNames.length : 1);
    const rows: BenchRow[] = [];
    let oneSequence = 0;
    for (const [i, { name, workload }] of cases.entries()) {
      const step = (message: string) =>
        run.onProgress({ done: (i * total) / cases.length, total, unit: "runs", message });
      throwIfAborted(run.signal);
      step(name);
      const isOneDecode = workload.measure === "decode" && workload.sequences === 1;
      // The memory's rate depends on other programs: it is measured before and after.
      const before = isOneDecode ? await measureRoofline?.() : undefined;
      const own = await measureOwn(service, workload, run.signal);
      const after = isOneDecode ? await measureRoofline?.() : undefined;
      if (before !== undefined && after !== undefined) roofline = meanRoofline(before, after);
      // The peers read as many tokens as our engine really read.
      const same = { ...workload, promptTokens: own.promptTokens };
      const results = (await peers?.measure(name, same, step, run)) ?? [];
      const rate = medianRate(own.samples);
      if (isOneDecode && oneSequence === 0) oneSequence = rate;
      rows.push(
        {
          ...throughputRow(name, same, {
            engine: ownEngine,
            threads: roofline?.threads ?? threads,
            samples: own.samples,
          }),
          ...(roofline && { ops: roofline.ops }),
          ...(roofline && isOneDecode ? underRoof(roofline, rate) : {}),
          ...ratios(rate, results),
          ...(workload.sequences === 1 ? {} : { overOneSequence: rate / oneSequence }),
        },
        ...results.map(({ row }) => row),
      );
    }
    return [...rows, ...(roofline ? [rooflineRow(roofline)] : []), ...(peers?.notRun ?? [])];
  };
}

/** The cases that fit the model's context. */
function casesOf(plan: ThroughputPlan, contextTokens: number): readonly Case[] {
  const { repeats, budgetMs } = plan;
  const decode = (name: string, promptTokens: number, decodeTokens: number, sequences: number): Case => ({
    name,
    workload: { measure: "decode", promptTokens, decodeTokens, sequences, repeats, budgetMs },
  });
  const all: readonly Case[] = [
    ...plan.prefillTokens.map(
      (promptTokens): Case => ({
        name: `prefill ${promptTokens}`,
        workload: { measure: "prefill", promptTokens, decodeTokens: 0, sequences: 1, repeats, budgetMs },
      }),
    ),
    decode("decode, one sequence", shortPromptTokens, plan.decodeTokens, 1),
    decode(
      `decode at ${plan.longContextTokens} tokens`,
      plan.longContextTokens - plan.longDecodeTokens,
      plan.longDecodeTokens,
      1,
    ),
    decode(`decode, ${plan.together} sequences together`, shortPromptTokens, plan.togetherTokens, plan.together),
  ];
  return all.filter(({ workload }) => workload.promptTokens + workload.decodeTokens < contextTokens);
}
