import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeMachine } from "../bench/machine";
import type { Suite } from "../bench/suite";
import { InvalidRequestError, ResidentError, throwIfAborted } from "../common/errors";
import {
  type BenchReport,
  type BenchSuite,
  benchSuiteNames,
  type Progress,
  type ServiceStatus,
} from "../protocol/service";
import type { BenchHome, BenchWorld } from "./benchHome";
import { parseBenchReport } from "./benchReport";

export type BenchSuites = Readonly<Partial<Record<BenchSuite, (world: BenchWorld) => Suite>>>;

/** Number of newest reports to return. The newest of every suite is always among them. */
const reportsShown = 32;

/** Runs benchmark suites one at a time and keeps their reports. */
export class BenchDesk {
  private current: NonNullable<ServiceStatus["benchRunning"]> | undefined;
  private readonly closing = new AbortController();
  /** Resolves when the last run has ended. Never rejects. */
  private last: Promise<void> = Promise.resolve();
  /** Reports already read, by file. */
  private readonly known = new Map<string, BenchReport>();

  constructor(
    private readonly folder: string,
    private readonly suites: () => BenchSuites,
    private readonly home: Pick<BenchHome, "run">,
    private readonly onProgress: (suite: BenchSuite, progress: Progress | undefined, report?: BenchReport) => void,
  ) {}

  get running(): ServiceStatus["benchRunning"] {
    return this.current;
  }

  async run(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport> {
    const suiteIn = this.suites()[suite];
    if (suiteIn === undefined) throw notHere(suite);
    if (this.current !== undefined) {
      throw new InvalidRequestError(`${this.current.suite} is running`, "wait for it or cancel it");
    }
    const report = this.measure(suite, suiteIn, onProgress, signal);
    this.last = report.then(
      () => {},
      () => {},
    );
    return report;
  }

  /** Ends the current run and waits until it has cleaned up. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.last;
  }

  private async measure(
    suite: BenchSuite,
    suiteIn: (world: BenchWorld) => Suite,
    onProgress: (progress: Progress) => void,
    cancel: AbortSignal | undefined,
  ): Promise<BenchReport> {
    const signal = AbortSignal.any([this.closing.signal, ...(cancel === undefined ? [] : [cancel])]);
    const reportProgress = (progress: Progress) => {
      this.current = { suite, progress };
      onProgress(progress);
      this.onProgress(suite, progress);
    };
    const reportMessage = (message: string) => reportProgress({ done: 0, total: 1, unit: "runs", message });
    const reportBusy = (numAnswers: number) =>
      reportMessage(numAnswers === 1 ? "Waiting for an answer to end" : `Waiting for ${numAnswers} answers to end`);
    reportMessage(`Starting ${suite}`);
    let report: BenchReport | undefined;
    try {
      const rows = await this.home.run(suite, signal, reportBusy, (world) => {
        throwIfAborted(signal);
        return suiteIn(world)({ onProgress: reportProgress, signal });
      });
      report = { suite, at: new Date().toISOString(), machine: describeMachine(), rows };
      await this.keep(report);
      return report;
    } finally {
      this.current = undefined;
      this.onProgress(suite, undefined, report);
    }
  }

  /**
   * Newest first, without unreadable files. A status view asks several times a second, so each file is read only once.
   */
  async reports(): Promise<readonly BenchReport[]> {
    const all = (await readdir(this.folder).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
    const newest = benchSuiteNames.flatMap((suite) => all.filter((name) => name.endsWith(`-${suite}.json`)).slice(-1));
    const shown = [...new Set([...newest, ...all.slice(-reportsShown)])].sort().reverse();
    for (const name of this.known.keys()) if (!shown.includes(name)) this.known.delete(name);
    const reports = await Promise.all(shown.map((name) => this.report(name)));
    return reports.filter((report) => report !== undefined);
  }

  private async report(name: string): Promise<BenchReport | undefined> {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const report = parseBenchReport(await readFile(path.join(this.folder, name), "utf8").catch(() => ""));
    if (report !== undefined) this.known.set(name, report);
    return report;
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
