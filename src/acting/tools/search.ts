import type { FoundLine } from "../ports";
import { beginning, counted } from "../results";
import { visibleLine } from "../visible";
import { assertThere, type BuiltInTool, CallRefused, fileAt, optionalText, textArgument } from "./tool";

const mostLines = 200;
const longestLine = 240;

export const search: BuiltInTool = {
  spec: {
    name: "search",
    description: "Finds the lines of files that contain a text. Upper and lower case differ.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: {
        text: { type: "string", description: "What to look for" },
        path: { type: "string", description: "Only in this file or folder" },
        regex: { type: "boolean", description: "The text is a regular expression" },
      },
      required: ["text"],
    },
  },

  async run(input) {
    const { args, ports, context, signal } = input;
    const text = textArgument(args, "text");
    const isRegex = args["regex"] === true;
    if (text === "") throw new CallRefused(`"text" is empty.`);
    if (isRegex) assertRegex(text);
    const path = optionalText(args, "path");
    const isAll = path === undefined || (ports.workspace.folders().length > 1 && /^[./\\]*$/.test(path));
    const below = isAll ? undefined : await fileAt(input, path, "read");
    const found = await ports.workspace.search({ text, isRegex, ...(below && { below }) }, mostLines, signal);
    if (found.lines.length === 0) {
      if (below !== undefined) await assertThere(input, below);
      return { text: `No match${path === undefined ? "" : ` in ${path}`}.` };
    }
    const { shown, count } = grouped(found.lines, context.resultLength);
    const files = new Set(found.lines.map((line) => line.path)).size;
    const matches = counted(found.lines.length, "match", "matches");
    const head = `${matches}${found.isCut ? " or more" : ""} in ${counted(files, "file")}:`;
    const isCut = found.isCut || count < found.lines.length;
    return { text: `${head}\n${shown}${isCut ? "\n[… more; look for a longer text, or only in one path]" : ""}` };
  },
};

function assertRegex(text: string): void {
  try {
    new RegExp(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CallRefused(
      `"text" is no regular expression: ${error.message}. Without regex it is looked for as it is.`,
    );
  }
}

/** Each file's path once, its lines with their numbers below it; as many as fit into `most` units, at least one. */
function grouped(lines: readonly FoundLine[], most: number): { readonly shown: string; readonly count: number } {
  const parts: string[] = [];
  let length = 0;
  let path: string | undefined;
  let count = 0;
  for (const found of lines) {
    const text = `${found.line}\t${short(found.text.trimEnd())}`;
    const own = found.path === path ? [text] : [visibleLine(found.path), text];
    const size = own.reduce((sum, part) => sum + part.length + 1, 0);
    if (count > 0 && length + size > most) break;
    parts.push(...own);
    length += size;
    path = found.path;
    count += 1;
  }
  return { shown: parts.join("\n"), count };
}

function short(line: string): string {
  return line.length <= longestLine ? line : `${beginning(line, longestLine)}…`;
}
