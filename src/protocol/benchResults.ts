/**
 * Benchmark reports as lines of a table: the measured value, the target if there is one, and whether it was met. The
 * status page, the exports and the command line show the same lines.
 */
import type { Formats } from "../common/format";
import { type BenchReport, type BenchRow, type BenchSuite, benchSuiteNames } from "./service";

export interface ResultLine {
  readonly name: string;
  readonly value: string;
  readonly target?: string;
  readonly passed?: boolean;
  /** All figures of the row in words. */
  readonly detail: string;
  /** The row that the line shows; absent when it summarises several rows. */
  readonly row?: BenchRow;
}

export interface ResultSection {
  readonly suite: BenchSuite;
  readonly title: string;
  readonly lines: readonly ResultLine[];
}

/** Names with the kind of the shown figure. */
const suiteTitles: Readonly<Record<BenchSuite, string>> = {
  "exp-005": "EXP-005, same tokens",
  "exp-006": "EXP-006, p95",
  resume: "Resume",
  throughput: "Throughput, tok/s",
  engine: "Engine",
  host: "Host, p99",
  soak: "Soak",
};

/** "EXP-006" */
export function suiteName(suite: BenchSuite): string {
  return suiteTitles[suite].split(",")[0] ?? suite;
}

export const suites: readonly BenchSuite[] = benchSuiteNames;

/** The newest report of a suite. */
export function latest(reports: readonly BenchReport[], suite: BenchSuite): BenchReport | undefined {
  return reports
    .filter((report) => report.suite === suite)
    .sort((a, b) => a.at.localeCompare(b.at))
    .at(-1);
}

export function resultSections(reports: readonly BenchReport[], formats: Formats): readonly ResultSection[] {
  return suites.flatMap((suite) => {
    const report = latest(reports, suite);
    return report && report.rows.length > 0 ? [section(report, formats)] : [];
  });
}

function section({ suite, rows }: BenchReport, formats: Formats): ResultSection {
  switch (suite) {
    case "exp-005":
      return { suite, title: suiteTitles[suite], lines: [identity(rows, formats)] };
    case "exp-006":
      return { suite, title: suiteTitles[suite], lines: rows.map((row) => promiseLine(row, row.p95Ms, formats)) };
    case "resume":
      return resumeSection(rows, formats);
    case "throughput":
      return { suite, title: suiteTitles[suite], lines: rateLines(rows, formats) };
    case "soak":
      return { suite, title: suiteTitles[suite], lines: rows.flatMap((row) => soakLines(row, formats)) };
    case "engine":
    case "host":
      return { suite, title: suiteTitles[suite], lines: rows.map((row) => promiseLine(row, row.p99Ms, formats)) };
  }
}

/** One row per prompt, and one with the verdict if the suite has one: ties are allowed. */
function identity(rows: readonly BenchRow[], formats: Formats): ResultLine {
  const summary = rows.find((row) => numberIn(row, "identicalPrompts") !== undefined);
  const prompts = rows.filter((row) => row !== summary);
  const identical = prompts.filter((row) => row["identical"] === true).length;
  const outcome = ({ identical: value }: BenchRow) =>
    typeof value === "string" ? value : value === true ? "identical" : "different";
  return {
    name: "Prompts identical",
    value: `${formats.count(identical)} of ${formats.count(prompts.length)}`,
    target: formats.count(numberIn(summary ?? {}, "neededIdentical") ?? prompts.length),
    passed: summary === undefined ? identical === prompts.length : summary["identical"] === true,
    detail: prompts.map((row) => `${row.case}: ${outcome(row)}`).join("\n"),
  };
}

function timeLine(row: BenchRow, name: string, ms: number, formats: Formats): ResultLine {
  const targetMs = numberIn(row, "targetMs");
  return {
    name,
    value: formats.fineDuration(ms),
    detail: detail(row, formats),
    row,
    ...(targetMs === undefined ? {} : { target: targetTime(targetMs, formats), passed: ms <= targetMs }),
  };
}

/** Targets are shown rounded: "5 ms", but never "0 ms" for less than 1 ms. */
function targetTime(ms: number, formats: Formats): string {
  return Number.isInteger(ms) ? formats.duration(ms) : formats.fineDuration(ms);
}

/** The time of a turn, failures, and the growth of memory. */
function soakLines(row: BenchRow, formats: Formats): readonly ResultLine[] {
  const counted = (name: string) => numberIn(row, name) ?? 0;
  const none = (name: string, wrong: number, of?: number): ResultLine => ({
    name,
    value: of === undefined ? formats.count(wrong) : `${formats.count(wrong)} of ${formats.count(of)}`,
    target: formats.count(0),
    passed: wrong === 0,
    detail: detail(row, formats),
  });
  return [
    timeLine(row, row.case, row.p95Ms, formats),
    none("Turns that failed", counted("failures")),
    none("Answers that differ from those given alone", counted("mismatches"), counted("compared")),
    {
      name: "Memory for 100 more turns",
      value: formats.bytes(counted("bytesAHundredTurns")),
      detail: `of ${formats.bytes(counted("residentBytes"))}`,
    },
  ];
}

/** Resident's rates. The detail has the peers' rates of the same run. */
function rateLines(rows: readonly BenchRow[], formats: Formats): readonly ResultLine[] {
  const isOwn = (row: BenchRow) => row["engine"] === undefined || row["engine"] === "resident";
  return rows.filter(isOwn).map((row) => {
    const peers = rows.filter((other) => !isOwn(other) && other.case === row.case);
    const line = rateLine(row, formats);
    const others = peers.map(
      (peer) => `${String(peer["engine"])}: ${formats.rate(numberIn(peer, "tokensPerSecond") ?? 0)} tok/s`,
    );
    return { ...line, detail: [line.detail, ...others].join("\n") };
  });
}

function rateLine(row: BenchRow, formats: Formats): ResultLine {
  const rate = numberIn(row, "tokensPerSecond") ?? 0;
  const target = numberIn(row, "targetTokensPerSecond");
  return {
    name: capital(row.case),
    value: formats.rate(rate),
    detail: detail(row, formats),
    row,
    ...(target === undefined ? {} : { target: formats.rate(target), passed: rate >= target }),
  };
}

/** The share or the ratio if the row has one, else the time. */
function promiseLine(row: BenchRow, ms: number, formats: Formats): ResultLine {
  const name = capital(row.case);
  const share = numberIn(row, "share");
  if (share !== undefined) return measuredLine(row, name, share, "Share", formats.percent, formats);
  const ratio = numberIn(row, "ratio");
  if (ratio === undefined) return timeLine(row, name, ms, formats);
  return measuredLine(row, name, ratio, "Ratio", (value) => `${formats.ratio(value)} ×`, formats);
}

/** The row's `target<Kind>` is the smallest value that passes, `most<Kind>` the largest. */
function measuredLine(
  row: BenchRow,
  name: string,
  value: number,
  kind: "Share" | "Ratio",
  inWords: (value: number) => string,
  formats: Formats,
): ResultLine {
  const least = numberIn(row, `target${kind}`);
  const most = numberIn(row, `most${kind}`);
  const target = least ?? most;
  return {
    name,
    value: inWords(value),
    detail: detail(row, formats),
    row,
    ...(target === undefined
      ? {}
      : { target: inWords(target), passed: value >= (least ?? value) && value <= (most ?? value) }),
  };
}

const tierOrder: readonly string[] = ["cold", "warm", "hot"];

/** Only the longest context: the chart shows the others. */
function resumeSection(rows: readonly BenchRow[], formats: Formats): ResultSection {
  const longest = Math.max(...rows.map((row) => numberIn(row, "contextTokens") ?? 0));
  const lines = rows
    .filter((row) => (numberIn(row, "contextTokens") ?? 0) === longest)
    .sort((a, b) => tierOrder.indexOf(String(a["tier"])) - tierOrder.indexOf(String(b["tier"])))
    .map((row) => ({
      ...timeLine(row, capital(String(row["tier"] ?? row.case)), row.p50Ms, formats),
      value: formats.duration(row.p50Ms),
    }));
  return { suite: "resume", title: `Resume at ${formats.count(longest)} tokens, TTFT`, lines };
}

function detail(row: BenchRow, formats: Formats): string {
  return [
    timesText(row, formats),
    ...(row.geometry ? [row.geometry] : []),
    ...(row.bytes === undefined ? [] : [formats.bytes(row.bytes)]),
  ].join("\n");
}

/** A single run has no percentiles. */
function timesText({ n, p50Ms, p95Ms, p99Ms }: BenchRow, formats: Formats): string {
  if (n === 1) return `1 run: ${formats.fineDuration(p50Ms)}`;
  const times = [p50Ms, p95Ms, p99Ms].map((ms) => formats.fineDuration(ms)).join(" / ");
  return `p50 / p95 / p99 ${times}, n ${formats.count(n)}`;
}

export function numberIn(row: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = row[name];
  return typeof value === "number" ? value : undefined;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
