import path from "node:path";
import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import { benchMarkdown } from "../protocol/benchMarkdown";
import { type BenchReport, type BenchSuite, benchSuiteNames } from "../protocol/service";
import { type CommandSpec, parseArguments } from "./arguments";
import { beginMarker, endMarker, writeBetweenMarkers } from "./benchMarkers";
import { type Console, consoleLog, printJson, progressPrinter, table } from "./console";
import { commonOptions, modelOptions, withService } from "./session";
import { stoppable } from "./stoppable";

const suites: readonly BenchSuite[] = benchSuiteNames;

export const benchSpec: CommandSpec = {
  usage: `resident bench ${suites.join(" | ")} [options]`,
  summary: "measure, and compare with the reference",
  positionals: ["suite"],
  options: {
    gguf: {
      value: "FILE",
      help: "throughput: the file that --model was imported from, which llama.cpp is measured with",
    },
    ...modelOptions,
    ...commonOptions,
  },
};

export const benchReportSpec: CommandSpec = {
  usage: "resident bench report [--write FILE] [options]",
  summary: "the newest result of each suite as Markdown; with --write into FILE, between its two marker comments",
  positionals: ["report"],
  options: {
    write: { value: "FILE", help: `a text with the lines ${beginMarker} and ${endMarker}` },
    ...commonOptions,
  },
};

export async function bench(words: readonly string[], console: Console): Promise<void> {
  if (words[0] === "report") return report(words, console);
  const args = parseArguments(benchSpec, words);
  const asked = args.positional("suite");
  const suite = suites.find((name) => name === asked);
  if (suite === undefined) {
    throw new ResidentError("USAGE", `there is no suite '${asked ?? ""}'`, `use ${suites.join(", ")}, or report`);
  }
  await withService(args, consoleLog(console, args.flag("verbose")), async (service) => {
    const cancel = new AbortController();
    const run = () => service.runBench(suite, progressPrinter(console), cancel.signal);
    const report = await stoppable(() => cancel.abort(), run);
    if (args.flag("json")) printJson(console, report);
    else console.out(reportText(report));
  });
}

/** What was kept of earlier runs. Nothing is measured. */
async function report(words: readonly string[], console: Console): Promise<void> {
  const args = parseArguments(benchReportSpec, words);
  await withService(args, consoleLog(console, args.flag("verbose")), async (service) => {
    const { lastBench } = await service.status();
    const markdown = benchMarkdown(lastBench, createFormats("en"));
    const file = args.text("write");
    if (file !== undefined) await writeBetweenMarkers(path.resolve(file), markdown);
    if (args.flag("json")) printJson(console, lastBench);
    else if (file === undefined) console.out(markdown);
  });
}

const fixedColumns = new Set(["case", "n", "p50Ms", "p95Ms", "p99Ms", "geometry", "bytes"]);

/** The report as a table; what a suite measures in addition to the times follows by name. */
export function reportText(report: BenchReport): string {
  const formats = createFormats("en");
  const rows = report.rows.map((row) => {
    const extras = Object.entries(row).filter(([name, value]) => !fixedColumns.has(name) && value !== undefined);
    return [
      row.case,
      `n ${row.n}`,
      ...[row.p50Ms, row.p95Ms, row.p99Ms].map((ms) => formats.fineDuration(ms)),
      row.bytes === undefined ? "" : formats.bytes(row.bytes),
      row.geometry ?? "",
      extras.map(([name, value]) => `${name} ${typeof value === "number" ? round(value) : String(value)}`).join(", "),
    ];
  });
  const head = ["case", "", "p50", "p95", "p99", "bytes", "geometry", ""];
  return `${report.suite} on ${report.machine}\n${table([head, ...rows])}`;
}

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
