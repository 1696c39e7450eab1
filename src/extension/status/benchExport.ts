import { createFormats } from "../../common/format";
import { benchMarkdown } from "../../protocol/benchMarkdown";
import type { BenchReport } from "../../protocol/service";

/** "resident-benchmarks-2026-03-04.json" */
export function exportName(now: Date): string {
  return `resident-benchmarks-${now.toISOString().slice(0, 10)}.json`;
}

/** Markdown for people where the file's name says so, else all that was measured. */
export function exportText(path: string, reports: readonly BenchReport[], language: string): string {
  if (/\.(md|markdown)$/i.test(path)) return `# Benchmarks\n\n${benchMarkdown(reports, createFormats(language))}`;
  return `${JSON.stringify({ reports }, null, 2)}\n`;
}
