import { suiteName } from "../../protocol/benchResults";
import { waitText } from "../../protocol/benchWaits";
import type { BenchSuite } from "../../protocol/service";

export interface BarLook {
  readonly text: string;
  readonly tooltip: string;
}

/** What the status bar says of a running benchmark. `share` of it is done, 0…1. */
export function benchLook(suite: BenchSuite, share: number, message: string): BarLook {
  const percent = `${Math.floor(Math.min(1, share) * 100)}%`;
  return {
    text: `$(beaker) ${suiteName(suite)} ${percent}`,
    tooltip: `Resident runs a benchmark: ${message}. ${waitText(suite)} The status view has Cancel.`,
  };
}
