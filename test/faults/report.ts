import fs from "node:fs";
import path from "node:path";
import type { Result } from "./runner";
import { isBad, outcomes } from "./verdict";

/** A row for each family: the number of cases, then of each outcome. */
export function table(results: readonly Result[], families: readonly string[]): string {
  const columns = ["cases", ...outcomes];
  const width = Math.max(5, ...families.map((name) => name.length));
  const line = (name: string, cells: readonly string[]) =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(9))].join("");
  const counts = (own: readonly Result[]) => [
    String(own.length),
    ...outcomes.map((outcome) => String(own.filter(({ verdict }) => verdict.outcome === outcome).length)),
  ];
  const rows = families.map((name) => line(name, counts(results.filter(({ id }) => id.startsWith(`${name}/`)))));
  return [line("", columns), ...rows, line("all", counts(results))].join("\n");
}

/** Writes the counts and failures that test/run.mjs reads. */
export function writeResults(file: string, results: readonly Result[]): void {
  const bad = results.filter(({ verdict }) => isBad(verdict));
  const failures = bad.map(({ id, verdict }) => ({ title: id, message: `${verdict.outcome}: ${verdict.detail}` }));
  const counts = { passed: results.length - bad.length, failed: bad.length, pending: 0, failures };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.part`, `${JSON.stringify(counts, null, 2)}\n`);
  fs.renameSync(`${file}.part`, file);
}
