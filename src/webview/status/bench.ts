import type { Formats } from "../../common/format";
import { figureTable } from "../../protocol/benchFigures";
import {
  latest,
  type ResultLine,
  type ResultSection,
  resultSections,
  suiteName,
  suites,
} from "../../protocol/benchResults";
import { waitText } from "../../protocol/benchWaits";
import type { BenchReport, BenchSuite, ServiceStatus } from "../../protocol/service";
import type { StatusCommand } from "../../protocol/status";
import { progressBar } from "../shared/bars";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { pane } from "./pane";
import { resumeChart, resumeHistory } from "./resumeChart";

export interface BenchContext {
  readonly formats: Formats;
  readonly now: number;
  readonly remainingMs: number | undefined;
  /** Whether there is a model to measure. */
  readonly available: boolean;
  readonly run: (command: StatusCommand) => void;
}

type Running = NonNullable<ServiceStatus["benchRunning"]>;

const suiteDetails: Readonly<Record<BenchSuite, string>> = {
  "exp-005": "Token ids compared with mlx_lm's",
  "exp-006": "Reconstruct, extract and round trip of blocks",
  resume: "Time to the first token: cold, warm, hot",
  throughput: "Prefill, decode, many agents together",
  engine: "Sharing, fairness, guesses, the host's event loop, the pool",
  host: "How late VS Code's extension host is while the engine works",
  soak: "Many agents in a pool that is too small for them, for many turns",
};

export function benchView(
  reports: readonly BenchReport[],
  running: Running | undefined,
  context: BenchContext,
): TreeNode {
  const { formats } = context;
  const sections = resultSections(reports, formats);
  const firstWithTarget = sections.find(({ lines }) => lines.some(({ target }) => target !== undefined));
  const resume = latest(reports, "resume");
  return pane(
    {
      title: "Benchmarks",
      hint: running ? "running" : resultHint(reports, sections, context),
      wide: true,
      class: "two",
    },
    h(
      "div.span",
      { key: "run", class: running ? undefined : "acts" },
      running ? runningView(running, context) : runMenu(context),
      !running && sections.length > 0 && exportButton(context),
    ),
    sections.length > 0 &&
      h(
        "table.num.results",
        { key: "results" },
        resultHead(),
        sections.map((section) => sectionView(section, section === firstWithTarget)),
      ),
    sections.length > 0 &&
      h("div.charts", { key: "charts" }, resume && resumeChart(resume, formats), resumeHistory(reports, formats)),
    sections.length > 0 && allFigures(reports, formats),
  );
}

function resultHint(
  reports: readonly BenchReport[],
  sections: readonly ResultSection[],
  { formats, now }: BenchContext,
): string {
  const newest = reports.map(({ at }) => Date.parse(at)).sort((a, b) => b - a)[0];
  if (newest === undefined) return "not run yet";
  const judged = sections.flatMap(({ lines }) => lines).filter(({ passed }) => passed !== undefined);
  const missed = judged.filter(({ passed }) => passed === false).length;
  const verdict = judged.length === 0 ? [] : [`${formats.count(missed)} of ${formats.count(judged.length)} missed`];
  return [formats.ago(now - newest), ...verdict].join(", ");
}

/** A button that opens the list of suites. Each suite is run by itself. */
function runMenu({ available, run }: BenchContext): TreeNode {
  if (!available) return h("p.dim.small", {}, "Benchmarks need a model.");
  const start = (suite: BenchSuite) => (event: Event) => {
    if (event.currentTarget instanceof HTMLElement) event.currentTarget.closest("details")?.removeAttribute("open");
    run({ type: "runBench", suite });
  };
  return h(
    "details.suites",
    { key: "suites", on: { toggle: showWhole, keydown: closeOnEscape } },
    h("summary.btn", {}, "Run Benchmark", icon("chevron-down")),
    h(
      "ul",
      {},
      suites.map((suite) =>
        h(
          "li",
          { key: suite },
          h(
            "button",
            { on: { click: start(suite) } },
            h("span", {}, suiteName(suite)),
            h("small", {}, suiteDetails[suite]),
          ),
        ),
      ),
    ),
  );
}

function exportButton({ run }: BenchContext): TreeNode {
  return h("button.btn.second.export", { key: "export", on: { click: () => run({ type: "exportBench" }) } }, "Export…");
}

/** The list may open below the edge of the view. */
function showWhole({ currentTarget }: Event): void {
  if (!(currentTarget instanceof HTMLDetailsElement) || !currentTarget.open) return;
  currentTarget.querySelector("ul")?.scrollIntoView({ block: "nearest" });
}

function closeOnEscape(event: Event): void {
  const { currentTarget } = event;
  if (!(event instanceof KeyboardEvent) || event.key !== "Escape") return;
  if (!(currentTarget instanceof HTMLDetailsElement) || !currentTarget.open) return;
  currentTarget.open = false;
  currentTarget.querySelector("summary")?.focus();
}

function runningView({ suite, progress }: Running, { formats, remainingMs, run }: BenchContext): TreeNode {
  const { done, total, message, unit } = progress;
  const words = `${unit} ${formats.count(done)} of ${formats.count(total)}`;
  const left = formats.remainingInWords(remainingMs);
  return h(
    "div.stack.num",
    {},
    h("div.row", {}, h("span.grow", {}, message), h("span.dim.small", {}, formats.remaining(remainingMs))),
    progressBar("Benchmark", { kept: 0, done, total, text: left ? `${words}, ${left}` : words }),
    h(
      "div.row.small",
      {},
      h("span.grow.dim", {}, `${suiteName(suite)}, ${words}. ${waitText(suite)}`),
      h("button.btn.second.small", { on: { click: () => run({ type: "cancelBench" }) } }, "Cancel"),
    ),
  );
}

function resultHead(): TreeNode {
  const heads = ["Check", "Result", "Target", "Passed"];
  return h(
    "thead.sr",
    { key: "head" },
    h(
      "tr",
      {},
      heads.map((head) => h("th", { scope: "col" }, head)),
    ),
  );
}

function sectionView({ suite, title, lines }: ResultSection, namesTarget: boolean): TreeNode {
  return h(
    "tbody",
    { key: suite },
    h(
      "tr",
      {},
      h("th", { colspan: 2, scope: "rowgroup" }, title),
      h("td.dim", { "aria-hidden": "true" }, namesTarget ? "Target" : ""),
      h("td"),
    ),
    lines.map((line) => lineView(line)),
  );
}

function lineView({ name, value, target, passed, detail }: ResultLine): TreeNode {
  return h(
    "tr",
    { title: detail },
    h("th", { scope: "row" }, name),
    h("td", {}, value),
    h("td.dim", {}, target ?? ""),
    h("td", {}, passed === undefined ? undefined : verdict(passed)),
  );
}

function verdict(passed: boolean): Children {
  return [
    passed ? icon("pass", "ok") : icon("error", "err"),
    h("span.sr", {}, passed ? "target met" : "target missed"),
  ];
}

/** With more columns, figures are listed below each case's name, as in a narrow view. */
const mostColumns = 9;

/** Everything that was measured, with the machine it was measured on. */
function allFigures(reports: readonly BenchReport[], formats: Formats): TreeNode {
  const newest = suites.flatMap((suite) => latest(reports, suite) ?? []);
  return h(
    "details.all.span",
    { key: "all" },
    h("summary.link.small", {}, "All Figures"),
    newest.map((report) => {
      const { head, rows } = figureTable(report, formats);
      return h(
        "div.sheet",
        {
          key: report.suite,
          class: head.length > mostColumns ? "listed" : undefined,
          tabindex: "0",
          role: "region",
          "aria-label": `All figures, ${suiteName(report.suite)}`,
        },
        h("p.small.dim", {}, `${suiteName(report.suite)}: ${report.machine}`),
        h(
          "table.num.xs",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              head.map((name) => h("th", { scope: "col" }, name)),
            ),
          ),
          h(
            "tbody",
            {},
            rows.map((row) =>
              h(
                "tr",
                {},
                row.map((cell, i) =>
                  i === 0 ? h("th", { scope: "row" }, cell) : h("td", { "data-name": head[i] ?? "" }, cell),
                ),
              ),
            ),
          ),
        ),
      );
    }),
  );
}
