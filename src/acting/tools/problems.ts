import { type Problem, problemSeverities } from "../ports";
import { beginning, counted } from "../results";
import { visibleLine } from "../visible";
import { assertThere, type BuiltInTool, fileAt, optionalText } from "./tool";

const longestMessage = 600;

export const problems: BuiltInTool = {
  spec: {
    name: "problems",
    description: "Lists errors and warnings that the editor found, of a file or of the whole workspace.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: { path: { type: "string", description: "Only of this file or folder" } },
    },
  },

  async run(input) {
    const { args, ports, context, signal } = input;
    const path = optionalText(args, "path");
    const isAll = path === undefined || (ports.workspace.folders().length > 1 && /^[./\\]*$/.test(path));
    const below = isAll ? undefined : await fileAt(input, path, "read");
    const found = [...(await ports.problems.list(below, signal))].sort(bySeverity);
    if (found.length === 0) {
      if (below !== undefined) await assertThere(input, below);
      return { text: `No problems${path === undefined ? "" : ` in ${path}`}.` };
    }
    const { shown, count } = lines(found, context.resultLength);
    const note = count < found.length ? `\n[… ${found.length - count} more; ask for one path]` : "";
    return { text: `${headline(found)}:\n${shown}${note}` };
  },
};

function bySeverity(one: Problem, other: Problem): number {
  const rank = ({ severity }: Problem) => problemSeverities.indexOf(severity);
  if (rank(one) !== rank(other)) return rank(one) - rank(other);
  if (one.path !== other.path) return one.path < other.path ? -1 : 1;
  return one.line - other.line;
}

/** "2 errors, 1 warning" */
function headline(found: readonly Problem[]): string {
  return problemSeverities
    .map((severity) => ({ severity, count: found.filter((problem) => problem.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => (severity === "information" ? `${count} information` : counted(count, severity)))
    .join(", ");
}

function lines(found: readonly Problem[], most: number): { readonly shown: string; readonly count: number } {
  const kept: string[] = [];
  let length = 0;
  for (const { path, line, severity, message, source } of found) {
    const text = message.replace(/\s*\n\s*/g, " ");
    const short = text.length <= longestMessage ? text : `${beginning(text, longestMessage)}…`;
    const one = `${visibleLine(path)}:${line} ${severity}: ${short}${source === undefined ? "" : ` (${source})`}`;
    length += one.length + 1;
    if (kept.length > 0 && length > most) break;
    kept.push(one);
  }
  return { shown: kept.join("\n"), count: kept.length };
}
