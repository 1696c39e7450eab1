import { type Formats, plural } from "../../common/format";
import { latest, numberIn } from "../../protocol/benchResults";
import type { BenchReport, BenchRow, Tier } from "../../protocol/service";
import { h, type TreeNode } from "../shared/tree";
import { sparkline } from "./spark";

/** TTFT at one context length, in milliseconds. */
export interface ContextTimes {
  readonly tokens: number;
  readonly ms: Readonly<Partial<Record<Tier, number>>>;
}

const tiers: readonly { readonly tier: Tier; readonly class: string }[] = [
  { tier: "cold", class: "cold" },
  { tier: "warm", class: "warmth" },
  { tier: "hot", class: "hotness" },
];

export function timesByContext(rows: readonly BenchRow[]): readonly ContextTimes[] {
  const found = new Map<number, Partial<Record<Tier, number>>>();
  for (const row of rows) {
    const tokens = numberIn(row, "contextTokens");
    const known = tiers.find(({ tier }) => tier === row["tier"]);
    if (tokens !== undefined && known) found.set(tokens, { ...found.get(tokens), [known.tier]: row.p50Ms });
  }
  return [...found].map(([tokens, ms]) => ({ tokens, ms })).sort((a, b) => a.tokens - b.tokens);
}

/** A logarithmic scale whose ends are powers of ten; `at` is a share of the height, 0…1. */
export interface LogScale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

export function logScale(values: readonly number[]): LogScale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.max(low + 1, Math.log10(Math.max(...positive)) + 0.1);
  const ticks = Array.from({ length: Math.floor(high) - low + 1 }, (_, index) => 10 ** (low + index));
  return { ticks, at: (value) => (value > 0 ? Math.max(0, (Math.log10(value) - low) / (high - low)) : 0) };
}

const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** Bars for cold, warm and hot at every context length, and how many times faster warm is than cold. */
export function resumeChart(report: BenchReport, formats: Formats): TreeNode | undefined {
  const contexts = timesByContext(report.rows);
  const values = contexts.flatMap(({ ms }) => Object.values(ms));
  if (values.length === 0) return undefined;
  const scale = logScale(values);
  const columns = { "--n": String(contexts.length) } as const;
  return h(
    "figure",
    { key: "chart" },
    h(
      "figcaption.row.small",
      {},
      h("span.grow.title", {}, "TTFT by context"),
      h(
        "ul.legend.xs",
        {},
        tiers.map(({ tier, class: name }) => h("li", {}, h("i", { class: name }), tier)),
      ),
    ),
    h(
      "div.chart.num.xs",
      { role: "img", "aria-label": chartText(contexts, formats), style: columns },
      h(
        "div.axis.dim",
        {},
        scale.ticks.map((tick) => h("span", { style: { "--y": percent(scale.at(tick)) } }, tickText(tick, formats))),
      ),
      h(
        "div.plot",
        {},
        scale.ticks.map((tick) => h("s", { style: { "--y": percent(scale.at(tick)) } })),
        h(
          "div.groups",
          {},
          contexts.map(({ ms }) =>
            h(
              "div",
              {},
              tiers.map(({ tier, class: name }) =>
                h("i", { class: name, style: { "--h": percent(scale.at(ms[tier] ?? 0)) } }),
              ),
            ),
          ),
        ),
      ),
      h(
        "div.ticks",
        {},
        contexts.map(({ tokens }) => h("span", {}, formats.count(tokens))),
      ),
      h("span.dim", { title: "Cold divided by warm" }, "gain"),
      h(
        "div.ticks.dim",
        {},
        contexts.map(({ ms }) => h("span", {}, gain(ms, formats))),
      ),
    ),
  );
}

/** Powers of ten: "100 ms", "1 s". */
function tickText(ms: number, formats: Formats): string {
  return ms < 1000 ? formats.duration(ms) : `${formats.count(ms / 1000)} s`;
}

function gain({ cold, warm }: ContextTimes["ms"], formats: Formats): string {
  return cold !== undefined && warm !== undefined && warm > 0 ? `${formats.rate(cold / warm)}×` : "–";
}

function chartText(contexts: readonly ContextTimes[], formats: Formats): string {
  const said = contexts.map(({ tokens, ms }) => {
    const times = tiers.flatMap(({ tier }) =>
      ms[tier] === undefined ? [] : [`${tier} ${formats.duration(ms[tier])}`],
    );
    return `at ${formats.count(tokens)} tokens ${times.join(", ")}`;
  });
  return `Time to first token, log scale: ${said.join("; ")}.`;
}

/** The warm TTFT of the longest context in all known runs. */
export function resumeHistory(reports: readonly BenchReport[], formats: Formats): TreeNode | undefined {
  const runs = reports.filter(({ suite }) => suite === "resume").sort((a, b) => a.at.localeCompare(b.at));
  const tokens = timesByContext(latest(reports, "resume")?.rows ?? []).at(-1)?.tokens;
  const values = runs.flatMap(({ rows }) => {
    const warm = timesByContext(rows).find((context) => context.tokens === tokens)?.ms.warm;
    return warm === undefined ? [] : [warm];
  });
  const goal = numberIn(
    latest(reports, "resume")?.rows.find((row) => row["tier"] === "warm" && row["contextTokens"] === tokens) ?? {},
    "targetMs",
  );
  const [first, last] = [values[0], values.at(-1)];
  if (tokens === undefined || first === undefined || last === undefined) return undefined;
  const title = `Warm, ${formats.count(tokens)} tokens`;
  const runsText = plural(values.length, "run", formats);
  return h(
    "figure.num",
    { key: "history" },
    h(
      "figcaption.row.small",
      {},
      h("span.grow", {}, h("span.title", {}, title), " ", h("span.dim", {}, runsText)),
      h("span", {}, formats.duration(last)),
    ),
    sparkline(values, `History of ${runsText}, from ${formats.duration(first)} to ${formats.duration(last)}`, goal),
  );
}
