import type { EditorSelection } from "../../protocol/chat";
import type { SelectedText } from "../editor/editorActions";

/** "src/recover.ts:88-141" as a page's button shows it: the file's name, and one line where it is one. */
export function editorSelection({ label, text }: Pick<SelectedText, "label" | "text">): EditorSelection {
  const title = label.replace(
    /:(\d+)-(\d+)$/,
    (_, from: string, to: string) => `:${from}${from === to ? "" : `–${to}`}`,
  );
  return {
    label: title.slice(title.lastIndexOf("/") + 1),
    title,
    lines: text.replace(/\n$/, "").split("\n").length,
  };
}
