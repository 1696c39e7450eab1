/** Quotes that a model copied from what `read_file` shows, with the number and the tab before each line. */
import { type Edited, replaceOnce } from "./edits";

const numbered = /^[ \t]*(\d+)(?:\t|$)/;

/**
 * As `replaceOnce`; a quote that is not there is looked for without the numbers of its lines, and must then stand at the line that its
 * first number says.
 */
export function replaceQuote(content: string, before: string, after: string): Edited {
  const plain = replaceOnce(content, before, after);
  if (plain.kind !== "missing") return plain;
  const old = withoutNumbers(before);
  if (old === undefined) return plain;
  const fresh = withoutNumbers(after)?.text ?? (hasNumber(after) ? undefined : after);
  // Numbers that do not follow each other may be a part of the text.
  if (fresh === undefined) return plain;
  const edited = replaceOnce(content, old.text, fresh);
  return edited.kind === "edited" && edited.line !== old.first ? plain : edited;
}

/** `undefined`: not each line begins with the number that follows the one before. */
function withoutNumbers(text: string): { readonly text: string; readonly first: number } | undefined {
  // A number alone is a line whose tab was left out only where other lines have theirs.
  if (!hasNumber(text)) return undefined;
  const lines = text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  let first: number | undefined;
  const bare: string[] = [];
  for (const [index, line] of lines.entries()) {
    const found = numbered.exec(line);
    if (found === null) return undefined;
    first ??= Number(found[1]);
    if (Number(found[1]) !== first + index) return undefined;
    bare.push(line.slice(found[0].length));
  }
  return first === undefined ? undefined : { text: bare.join("\n"), first };
}

function hasNumber(text: string): boolean {
  return text.split("\n").some((line) => /^[ \t]*\d+\t/.test(line));
}
