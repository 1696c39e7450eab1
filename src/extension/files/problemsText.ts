/** What the editor's language services say about files, in words. */

export interface FoundProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly severity: "error" | "warning" | "information" | "hint";
  readonly message: string;
  /** "ts 2304"; "" where it has none. */
  readonly source: string;
  /** The line itself, where it is at hand. */
  readonly code?: string;
}

/** Problems that one attachment has, the worst first. */
export const mostProblems = 100;
const mostCodeLength = 200;

const severities: readonly FoundProblem["severity"][] = ["error", "warning", "information", "hint"];

/**
 * "3:5 error: Cannot find name 'x'. (ts 2304)" and below it the line. Where the problems are of several files, each line
 * begins with its path.
 */
export function problemsText(problems: readonly (readonly [path: string, FoundProblem])[]): string {
  const several = new Set(problems.map(([path]) => path)).size > 1;
  const sorted = [...problems].sort(([, a], [, b]) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
  const shown = sorted.slice(0, mostProblems);
  const lines = shown.flatMap(([path, problem]) => {
    const { line, column, severity, message, source, code } = problem;
    const place = `${several ? `${path}:` : ""}${line}:${column}`;
    const end = source === "" ? "" : ` (${source})`;
    const text = code?.trim().slice(0, mostCodeLength) ?? "";
    return [`${place} ${severity}: ${message.replaceAll("\n", "\n  ")}${end}`, ...(text === "" ? [] : [`  | ${text}`])];
  });
  const left = sorted.length - shown.length;
  return [...lines, ...(left > 0 ? [`… and ${left} more`] : [])].map((line) => `${line}\n`).join("");
}
