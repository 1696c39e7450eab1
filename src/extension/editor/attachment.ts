import type { SelectedText } from "./editorActions";

/** A selection as a message holds it: where it is from, then a fence longer than any within. */
export function attachmentText({
  text,
  languageId,
  label,
}: Pick<SelectedText, "text" | "languageId" | "label">): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${label}\n${fence}${languageId}\n${text.replace(/\n$/, "")}\n${fence}\n`;
}
