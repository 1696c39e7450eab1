/** Every figure of a benchmark report as a table for people. */
import type { Formats } from "../common/format";
import type { BenchReport, BenchRow } from "./service";

export interface FigureTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The contents of a cell. When all cells of a column have the same unit, only the column's head shows it. */
interface Figure {
  readonly text: string;
  readonly unit?: string;
}

interface Column {
  readonly name: string;
  readonly figure: (row: BenchRow) => Figure;
}

const ownColumns = new Set(["case", "n", "p50Ms", "p95Ms", "p99Ms"]);
const none: Figure = { text: "" };

/** Every row with all figures of its suite. A single run has a time and no percentiles. */
export function figureTable({ rows }: BenchReport, formats: Formats): FigureTable {
  const time = (name: string, msOf: (row: BenchRow) => number | undefined): Column => ({
    name,
    figure: (row) => {
      const ms = msOf(row);
      return ms === undefined ? none : timeFigure(ms, formats);
    },
  });
  const extras = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !ownColumns.has(name));
  const columns: readonly Column[] = [
    { name: "Case", figure: (row) => ({ text: row.case }) },
    { name: "Runs", figure: (row) => ({ text: formats.count(row.n) }) },
    time("p50", ({ n, p50Ms }) => (n > 0 ? p50Ms : undefined)),
    time("p95", ({ n, p95Ms }) => (n > 1 ? p95Ms : undefined)),
    time("p99", ({ n, p99Ms }) => (n > 1 ? p99Ms : undefined)),
    ...extras.map((name) => ({
      name: columnName(name),
      figure: (row: BenchRow) => figureOf(name, row[name], formats),
    })),
  ];
  const shown = columns.map(({ name, figure }) => columnOf(name, rows.map(figure)));
  return { head: shown.map(({ head }) => head), rows: rows.map((_, i) => shown.map(({ cells }) => cells[i] ?? "")) };
}

function columnOf(name: string, figures: readonly Figure[]) {
  const units = new Set(figures.filter(({ text }) => text !== "").map(({ unit }) => unit));
  const [unit] = units;
  if (units.size === 1 && unit !== undefined) {
    return { head: `${name} (${unit})`, cells: figures.map(({ text }) => text) };
  }
  return { head: name, cells: figures.map(({ text, unit }) => (unit === undefined ? text : `${text} ${unit}`)) };
}

/** The part of a figure's name that states its kind, and the column's name if the name has no other part. */
const kinds: readonly { readonly pattern: RegExp; readonly alone: string }[] = [
  { pattern: /TokensPerSecond$/i, alone: "Rate" },
  { pattern: /BytesPerSecond$/i, alone: "Rate" },
  { pattern: /Tokens$/i, alone: "Tokens" },
  { pattern: /^bytes|bytes$/i, alone: "Size" },
  { pattern: /Ms$/, alone: "Time" },
];

/** "restoreMs" → "Restore", "aloneTokensPerSecond" → "Alone" */
function columnName(name: string): string {
  const kind = kinds.find(({ pattern }) => pattern.test(name));
  const rest = kind === undefined ? name : name.replace(kind.pattern, "");
  if (rest === "") return kind?.alone ?? name;
  const words = rest.replace(/(?<!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function figureOf(name: string, value: BenchRow[string], formats: Formats): Figure {
  if (value === undefined) return none;
  if (typeof value === "boolean") return { text: value ? "yes" : "no" };
  if (typeof value === "string") return { text: value };
  if (/TokensPerSecond$/i.test(name)) return { text: formats.rate(value), unit: "tok/s" };
  if (/BytesPerSecond$/i.test(name)) return parted(`${formats.bytes(value)}/s`);
  if (/Tokens$/i.test(name)) return { text: formats.count(value), unit: "tokens" };
  if (/^bytes|bytes$/i.test(name)) return parted(formats.bytes(value));
  if (/[rR]atio$|^over[A-Z]|Over[A-Z]/.test(name)) return { text: formats.ratio(value), unit: "×" };
  if (/share$/i.test(name)) return { text: formats.percent(value) };
  if (name.endsWith("Ms")) return timeFigure(value, formats);
  return { text: Number.isInteger(value) ? formats.count(value) : formats.rate(value) };
}

function timeFigure(ms: number, formats: Formats): Figure {
  const text = formats.fineDuration(ms);
  return ms < 60_000 ? parted(text) : { text };
}

/** "1.7 s" → the figure and its unit. */
function parted(text: string): Figure {
  const at = text.lastIndexOf(" ");
  return { text: text.slice(0, at), unit: text.slice(at + 1) };
}
