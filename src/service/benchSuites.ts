import { exp005Suite } from "../bench/exp005";
import { exp005Prompts } from "../bench/exp005Prompts";
import { referenceProcess } from "../bench/referenceProcess";
import { resumeSuite } from "../bench/resume";
import { throughputSuite } from "../bench/throughput";
import type { ResidentService, ServiceOptions } from "../protocol/service";
import type { BenchSuites } from "./benchDesk";

/** The suites that a service can run over itself. EXP-005 needs the reference of a checkout. */
export function benchSuites(service: ResidentService, { reference }: Pick<ServiceOptions, "reference">): BenchSuites {
  return {
    ...(reference === undefined
      ? {}
      : {
          "exp-005": exp005Suite(service, referenceProcess(reference), { prompts: exp005Prompts, neededIdentical: 12 }),
        }),
    resume: resumeSuite(service, { contexts: [512, 2048], repeats: 3 }),
    throughput: throughputSuite(service, { prefillTokens: [128, 512], decodeTokens: 32, together: 8, repeats: 3 }),
  };
}
