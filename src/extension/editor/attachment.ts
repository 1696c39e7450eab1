import type { SelectedText } from "./editorActions";

/** A selection in a message: its source, then the text in a fence that is longer than any fence in the text. */
export function attachmentText({
  text,
  languageId,
  label,
}: Pick<SelectedText, "text" | "languageId" | "label">): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${label}\n${fence}${languageId}\n${text.replace(/\n$/, "")}\n${fence}\n`;
}
