/**
 * An answer as a part of a longer Markdown document: what it opens and does not close would take the rest of the document
 * with it. Follows CommonMark 0.31, 4.5 (fenced code) and 4.6 (HTML blocks).
 */
interface Fence {
  readonly mark: string;
  /** Up to the fence's column: marks of the lists that it stands in count as spaces. */
  readonly indent: string;
}

const listMarks = /^(?:\s*(?:[-*+]|\d{1,9}[.)])(?=\s))*\s*/;
const openFence = /^(`{3,}(?=[^`]*$)|~{3,})/;
/** Blocks of HTML that go on over empty lines until they are closed. */
const openHtml = /^<(?=script|pre|style|textarea|!|\?)/i;

/** The same text with its last fence closed, and with HTML that could swallow what follows shown as text. */
export function closedMarkdown(text: string): string {
  const lines: string[] = [];
  let fence: Fence | undefined;
  for (const line of text.split("\n")) {
    const before = listMarks.exec(line)?.[0] ?? "";
    const rest = line.slice(before.length);
    if (fence !== undefined) {
      lines.push(line);
      if (closes(rest, fence)) fence = undefined;
      continue;
    }
    const mark = openFence.exec(rest)?.[0];
    if (mark !== undefined) fence = { mark, indent: before.replace(/\S/g, " ") };
    lines.push(openHtml.test(rest) ? `${before}\\${rest}` : line);
  }
  if (fence !== undefined) lines.push(fence.indent + fence.mark);
  return lines.join("\n");
}

/** A closing fence is at least as long as the opening one, of the same character, and alone on its line. */
function closes(rest: string, { mark }: Fence): boolean {
  const run = /^(`+|~+)\s*$/.exec(rest)?.[1];
  return run !== undefined && run[0] === mark[0] && run.length >= mark.length;
}

/** Text as a quotation: whatever it opens ends with the quotation. */
export function quoted(text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
}

/** Text as a block of code: its fence is longer than any in the text. */
export function fenced(text: string, language = ""): string {
  let longest = 2;
  for (const [run] of text.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length);
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, text.replace(/\n$/, ""), fence].join("\n");
}

/** Text inside HTML, in one line. */
export function htmlText(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? "");
}
