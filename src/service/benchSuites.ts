import path from "node:path";
import { exp005Suite } from "../bench/exp005";
import { exp005Prompts } from "../bench/exp005Prompts";
import { exp006Suite } from "../bench/exp006";
import { referenceProcess } from "../bench/referenceProcess";
import { resumeSuite } from "../bench/resume";
import { throughputSuite } from "../bench/throughput";
import type { ResidentService, ServiceOptions } from "../protocol/service";
import type { BenchSuites } from "./benchDesk";
import type { ModelLibrary } from "./modelLibrary";
import type { Runtime } from "./runtime";

export interface BenchSources {
  readonly options: Pick<ServiceOptions, "home" | "reference">;
  readonly runtime: Pick<Runtime, "loadBenchAddon">;
  readonly library: Pick<ModelLibrary, "defaultModel">;
}

/** 100 restores of the smaller caches and 7 of the largest, 1.6 GB. */
const warmBytes = 12 * 1024 ** 3;

/** The suites that a service can run over itself. EXP-005 needs the reference of a checkout. */
export function benchSuites(service: ResidentService, { options, runtime, library }: BenchSources): BenchSuites {
  const { home, reference } = options;
  const exp005Plan = { prompts: exp005Prompts, neededIdentical: 12 };
  return {
    ...(reference === undefined ? {} : { "exp-005": exp005Suite(service, referenceProcess(reference), exp005Plan) }),
    "exp-006": exp006Suite({
      addon: () => runtime.loadBenchAddon(),
      modelDirectory: library.defaultModel,
      scratch: path.join(home, "bench"),
      hotRuns: 100,
      warmBytes,
    }),
    resume: resumeSuite(service, { contexts: [512, 2048], repeats: 3 }),
    throughput: throughputSuite(service, { prefillTokens: [128, 512], decodeTokens: 32, together: 8, repeats: 3 }),
  };
}
