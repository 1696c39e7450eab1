/** Benchmark reports as Markdown, for documents, exports and fault reports. */
import type { Formats } from "../common/format";
import { latest, numberIn, type ResultLine, resultSections, suiteName, suites } from "./benchResults";
import type { BenchReport, BenchRow } from "./service";

/** The newest report of each suite: its results, date and machine. */
export function benchMarkdown(reports: readonly BenchReport[], formats: Formats): string {
  const parts = suites.flatMap((suite) => {
    const report = latest(reports, suite);
    return report && report.rows.length > 0 ? [reportMarkdown(report, formats)] : [];
  });
  return parts.length === 0 ? "No benchmark has been run yet.\n" : parts.join("\n");
}

function reportMarkdown(report: BenchReport, formats: Formats): string {
  const { suite, at, machine } = report;
  const title = resultSections([report], formats)[0]?.title ?? suiteName(suite);
  const body = suite === "throughput" ? throughputMarkdown(report, formats) : linesMarkdown(report, formats);
  return `**${title}.** ${at.slice(0, 10)}, ${machine}:\n\n${body}`;
}

/** Result and target of each line, and the percentiles when there is more than one run. */
function linesMarkdown(report: BenchReport, formats: Formats): string {
  const lines = resultSections([report], formats).flatMap((section) => section.lines);
  const hasTargets = lines.some(({ target }) => target !== undefined);
  const hasTimes = lines.some(({ row }) => (row?.n ?? 0) > 1);
  const head = ["", "Result", ...(hasTargets ? ["Target"] : []), ...(hasTimes ? ["p50", "p95", "p99", "Runs"] : [])];
  const rows = lines.map((line) => [
    line.name,
    line.value,
    ...(hasTargets ? [targetText(line)] : []),
    ...(hasTimes ? timesOf(line.row, formats) : []),
  ]);
  return markdownTable(head, rows);
}

function targetText({ target, passed }: ResultLine): string {
  if (target === undefined) return "";
  return passed === false ? `${target}, missed` : target;
}

function timesOf(row: BenchRow | undefined, formats: Formats): readonly string[] {
  if (row === undefined || row.n === 0) return ["", "", "", ""];
  const time = (ms: number) => formats.fineDuration(ms);
  const percentiles = row.n === 1 ? ["", ""] : [time(row.p95Ms), time(row.p99Ms)];
  return [time(row.p50Ms), ...percentiles, formats.count(row.n)];
}

/** One column per engine, Resident first. In brackets: Resident's rate divided by the other's. */
function throughputMarkdown({ rows }: BenchReport, formats: Formats): string {
  const engineOf = (row: BenchRow) => String(row["engine"] ?? "resident");
  const measured = rows.filter((row) => numberIn(row, "tokensPerSecond") !== undefined);
  const engines = [...new Set(["resident", ...measured.map(engineOf)])];
  const rateOf = (name: string, engine: string) => {
    const row = measured.find((other) => other.case === name && engineOf(other) === engine);
    return row && numberIn(row, "tokensPerSecond");
  };
  const cell = (name: string, engine: string) => {
    const [own, rate] = [rateOf(name, "resident"), rateOf(name, engine)];
    if (rate === undefined) return "–";
    const times = engine === "resident" || own === undefined || rate === 0 ? "" : ` (${formats.ratio(own / rate)} ×)`;
    return `${formats.rate(rate)}${times}`;
  };
  const names = [...new Set(measured.map((row) => row.case))];
  const head = ["tok/s", ...engines.map((engine) => (engine === "resident" ? "Resident" : engine))];
  const table = markdownTable(
    head,
    names.map((name) => [name, ...engines.map((engine) => cell(name, engine))]),
  );
  const missing = rows.filter((row) => row["reason"] !== undefined);
  const notes = missing.map((row) => `* ${row.case}: ${String(row["reason"])}\n`);
  return notes.length === 0 ? table : `${table}\n${notes.join("")}`;
}

/** Aligns names left and figures right. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |\n`;
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [line(head), `| ${rule.join(" | ")} |\n`, ...rows.map(line)].join("");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
