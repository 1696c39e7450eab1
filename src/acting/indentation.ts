/** Spaces and tabs at the beginning of lines. */

/** The white space that all lines with letters begin with. */
export function commonIndent(lines: readonly string[]): string {
  let common: string | undefined;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const own = /^[ \t]*/.exec(line)?.[0] ?? "";
    if (common === undefined) common = own;
    while (!own.startsWith(common)) common = common.slice(0, -1);
  }
  return common ?? "";
}

/** Without the part of `indent` that the line begins with. */
export function withoutIndent(line: string, indent: string): string {
  let length = 0;
  while (length < indent.length && line[length] === indent[length]) length += 1;
  return line.slice(length);
}

/** The lines of `text` with `after` in place of `before` at their beginnings; empty ones stay empty. */
export function indented(text: string, before: string, after: string): string {
  return text
    .split("\n")
    .map((line) => (line.trim() === "" ? line.trim() : after + withoutIndent(line, before)))
    .join("\n");
}
