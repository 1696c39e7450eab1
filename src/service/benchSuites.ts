import os from "node:os";
import path from "node:path";
import { type EnginePlan, engineSuite } from "../bench/engineSuite";
import { exp005Suite } from "../bench/exp005";
import { exp005Prompts } from "../bench/exp005Prompts";
import { exp006Suite } from "../bench/exp006";
import { type HostPlan, hostSuite } from "../bench/hostSuite";
import type { FootprintReader } from "../bench/memory";
import { peersProcess } from "../bench/peersProcess";
import { referenceProcess } from "../bench/referenceProcess";
import { resumeSuite } from "../bench/resume";
import type { Roofline } from "../bench/roofline";
import { type SoakPlan, soakSuite } from "../bench/soak";
import { type ThroughputPlan, throughputSuite } from "../bench/throughput";
import { silentLog } from "../common/log";
import type { ServiceOptions } from "../protocol/service";
import type { BenchSuites } from "./benchDesk";
import { engineProbe } from "./engineProbe";
import { openHostWorld } from "./hostWorld";
import type { LoadedModel } from "./modelHost";
import type { ModelLibrary } from "./modelLibrary";
import type { Runtime } from "./runtime";

export interface BenchSources {
  readonly options: Pick<ServiceOptions, "reference" | "nativeStage">;
  readonly runtime: Pick<Runtime, "loadBenchAddon">;
  readonly library: Pick<ModelLibrary, "defaultModel">;
  readonly loaded: () => LoadedModel | undefined;
}

/** 100 restores of the smaller caches and 7 of the largest, 1.6 GB. */
const warmBytes = 12 * 1024 ** 3;

const throughputPlan: ThroughputPlan = {
  prefillTokens: [128, 512, 2048, 4096],
  decodeTokens: 128,
  longContextTokens: 4096,
  longDecodeTokens: 32,
  together: 8,
  togetherTokens: 64,
  repeats: 5,
  budgetMs: 120_000,
  slowPeer: { promptTokens: 512, decodeTokens: 16, repeats: 2 },
};

const enginePlan: EnginePlan = {
  repeats: 3,
  together: 8,
  answerTokens: 96,
  timedTokens: 256,
  sharedTokens: 2000,
  longTokens: 4096,
  rewriteTokens: 400,
  poolBlocks: 100_000,
  churnSteps: 108_000,
};

const hostPlan: HostPlan = {
  turns: 1000,
  tokens: 120_000,
  agents: 200,
  pasteBytes: 2 ** 20,
  together: 8,
  answerTokens: 200,
  pauses: 10,
  sends: 20,
  lookMs: 3000,
};

const soakPlan: SoakPlan = {
  agents: 24,
  warmUpTurns: 250,
  turns: 500,
  together: 6,
  answerTokens: 16,
  systemTokens: 100,
  samples: 25,
};

/** The suites that can be run here. EXP-005 needs the reference of a checkout, throughput its peers. */
export function benchSuites({ options, runtime, library, loaded }: BenchSources): BenchSuites {
  const { reference, nativeStage } = options;
  const hostSources = {
    model: library.defaultModel,
    nativeStage,
    // All bundles of the product are in one folder.
    coreFile: path.join(__dirname, "core.js"),
    log: silentLog,
  };
  const exp005Plan = { prompts: exp005Prompts, neededIdentical: 12 };
  return {
    ...(reference === undefined
      ? {}
      : { "exp-005": ({ service }) => exp005Suite(service, referenceProcess(reference), exp005Plan) }),
    "exp-006": ({ scratch }) =>
      exp006Suite({
        addon: () => runtime.loadBenchAddon(),
        modelDirectory: library.defaultModel,
        scratch,
        hotRuns: 100,
        warmBytes,
      }),
    resume: ({ service }) => resumeSuite(service, { contexts: [512, 2048], repeats: 3 }),
    engine: ({ service, scratch }) =>
      engineSuite(service, enginePlan, engineProbe(loaded, scratch, runtime.loadBenchAddon())),
    host: ({ scratch }) =>
      hostSuite((plan, signal) => openHostWorld({ ...hostSources, scratch }, plan, signal), hostPlan),
    soak: ({ service }) => soakSuite(service, soakPlan, footprintReader(runtime)),
    throughput: ({ service }) =>
      throughputSuite(service, throughputPlan, reference === undefined ? undefined : peersProcess(reference), () =>
        measureRoofline(runtime, loaded()),
      ),
  };
}

function footprintReader(runtime: Pick<Runtime, "loadBenchAddon">): FootprintReader {
  const addon = runtime.loadBenchAddon();
  return () => addon.footprintBytes();
}

async function measureRoofline(
  runtime: Pick<Runtime, "loadBenchAddon">,
  loaded: Pick<LoadedModel, "info"> | undefined,
): Promise<Roofline> {
  const { ops = "none", cpuLevel, cpuThreads, stepWeightBytes = 0 } = loaded?.info ?? {};
  const threads = cpuThreads ?? os.availableParallelism();
  const readBytesPerSecond = await runtime.loadBenchAddon().readBandwidth(threads);
  return { ops: [ops, cpuLevel ?? []].flat().join(" "), threads, readBytesPerSecond, stepWeightBytes };
}
