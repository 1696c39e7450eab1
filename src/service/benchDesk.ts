import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeMachine } from "../bench/machine";
import type { Suite } from "../bench/suite";
import { InvalidRequestError, ResidentError } from "../common/errors";
import type { BenchReport, BenchSuite, Progress, ServiceStatus } from "../protocol/service";
import { parseBenchReport } from "./benchReport";

export type BenchSuites = Readonly<Partial<Record<BenchSuite, Suite>>>;

/** Reports kept for the status view, newest first, of all suites. */
const reportsShown = 32;

/** Runs benchmark suites one at a time and keeps their reports. */
export class BenchDesk {
  private current: NonNullable<ServiceStatus["benchRunning"]> | undefined;

  constructor(
    private readonly folder: string,
    private readonly suites: () => BenchSuites,
    private readonly onProgress: (suite: BenchSuite, progress: Progress | undefined, report?: BenchReport) => void,
  ) {}

  get running(): ServiceStatus["benchRunning"] {
    return this.current;
  }

  async run(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport> {
    const measure = this.suites()[suite];
    if (measure === undefined) throw notHere(suite);
    if (this.current !== undefined) {
      throw new InvalidRequestError(`${this.current.suite} is running`, "wait for it or cancel it");
    }
    const tell = (progress: Progress) => {
      this.current = { suite, progress };
      onProgress(progress);
      this.onProgress(suite, progress);
    };
    tell({ done: 0, total: 1, unit: "runs", message: `Starting ${suite}` });
    let report: BenchReport | undefined;
    try {
      const rows = await measure({ onProgress: tell, signal: signal ?? new AbortController().signal });
      report = { suite, at: new Date().toISOString(), machine: describeMachine(), rows };
      await this.keep(report);
      return report;
    } finally {
      this.current = undefined;
      this.onProgress(suite, undefined, report);
    }
  }

  /** Newest first. What cannot be read is left out. */
  async reports(): Promise<readonly BenchReport[]> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
    const texts = await Promise.all(
      names
        .slice(-reportsShown)
        .reverse()
        .map((name) => readFile(path.join(this.folder, name), "utf8").catch(() => "")),
    );
    return texts.flatMap((text) => parseBenchReport(text) ?? []);
  }

  private async keep(report: BenchReport): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const name = `${report.at.replaceAll(":", "-")}-${report.suite}.json`;
    await writeFile(path.join(this.folder, name), `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  }
}

function notHere(suite: BenchSuite): ResidentError {
  return new ResidentError(
    "USAGE",
    `${suite} cannot be run from here`,
    "run it from a checkout of the project, where its reference environment is",
    { suite },
  );
}
