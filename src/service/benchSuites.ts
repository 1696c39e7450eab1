import { resumeSuite } from "../bench/resume";
import { throughputSuite } from "../bench/throughput";
import type { ResidentService } from "../protocol/service";
import type { BenchSuites } from "./benchDesk";

/** The suites that a service can run over itself. */
export function benchSuites(service: ResidentService): BenchSuites {
  return {
    resume: resumeSuite(service, { contexts: [512, 2048], repeats: 3 }),
    throughput: throughputSuite(service, { prefillTokens: [128, 512], decodeTokens: 32, together: 8, repeats: 3 }),
  };
}
