/** What a model is told whose quote is not in the file: what stands there now, where it most likely meant. Changes nothing. */
import { textLines } from "../textLines";
import { excerpt } from "./writing";

export function missingQuote(path: string, text: string, old: string, fresh: string, most: number): string {
  const nothing = `"old" is not in ${path}, so nothing was changed.`;
  const lines = textLines(text).map((line) => line.text);
  if (fresh.trim() !== "" && text.replaceAll("\r\n", "\n").includes(fresh.replaceAll("\r\n", "\n"))) {
    return `${nothing} The text of new is there already: perhaps this was done before.`;
  }
  const quote = old.replaceAll("\r\n", "\n").split("\n");
  const hint = hasNumbers(quote) ? " Leave out the line numbers and tabs that read_file puts before the lines." : "";
  const at = likelyLine(lines, quote);
  const where = at === undefined ? `${path} begins with` : "Around there it is";
  const shown = excerpt(text, at ?? 1, most, at === undefined ? 30 : 24);
  return `${nothing}${hint} ${where}:\n${shown}\nCopy old from these lines, letter by letter.`;
}

function hasNumbers(quote: readonly string[]): boolean {
  const written = quote.filter((line) => line.trim() !== "");
  return written.length > 0 && written.every((line) => /^\s*\d+(?:\t|: |\| ?)/.test(line));
}

/** The line, from 1, that is the longest of the quote's lines that are in the file, less its place in the quote. */
function likelyLine(lines: readonly string[], quote: readonly string[]): number | undefined {
  const places = new Map<string, number>();
  for (const [index, line] of lines.entries()) {
    const key = line.trim();
    if (!places.has(key)) places.set(key, index);
  }
  let best: { readonly length: number; readonly line: number } | undefined;
  for (const [index, line] of quote.entries()) {
    const key = line.replace(/^\s*\d+\t/, "").trim();
    const at = key === "" ? undefined : places.get(key);
    if (at === undefined || key.length <= (best?.length ?? 2)) continue;
    best = { length: key.length, line: Math.max(1, at - index + 1) };
  }
  return best?.line;
}
