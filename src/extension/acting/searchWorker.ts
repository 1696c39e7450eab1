/**
 * Searches files in a thread of its own: a regular expression that a model wrote may take for ever, and then the thread is
 * ended. Files of this machine are read here; others come with their texts.
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { isInsideOf } from "../files/linkedFolders";
import { textOfBytes } from "../files/textOfBytes";
import { type LineQuery, lineMatcher } from "./matchingLines";

/** Larger files are left out. */
export const mostSearchedBytes = 4 * 1024 * 1024;

export interface SearchedFile {
  /** As it is shown. */
  readonly path: string;
  /** Absolute path on this machine; absent: `text` is there. */
  readonly file?: string;
  readonly text?: string;
}

export interface SearchOrder {
  readonly query: LineQuery;
  readonly files: readonly SearchedFile[];
  readonly most: number;
  /** Files that are really elsewhere are left out. */
  readonly roots: readonly string[];
}

/** Lines of one file, then the end of the order. */
export type SearchReport =
  | { readonly type: "lines"; readonly lines: readonly { path: string; line: number; text: string }[] }
  | { readonly type: "done"; readonly isCut: boolean };

export async function search(
  { query, files, most, roots }: SearchOrder,
  report: (report: SearchReport) => void,
): Promise<void> {
  const matching = lineMatcher(query);
  let left = most;
  for (const { path, file, text } of files) {
    const whole = text ?? (file === undefined ? undefined : await textAt(file, roots));
    if (whole === undefined) continue;
    // One more than is asked for tells whether there are more.
    const lines = matching(whole, left + 1).map((line) => ({ path, ...line }));
    report({ type: "lines", lines: lines.slice(0, left) });
    if (lines.length > left) return report({ type: "done", isCut: true });
    left -= lines.length;
  }
  report({ type: "done", isCut: false });
}

/** `undefined`: it is no text, too large, outside of the workspace, or gone. */
async function textAt(file: string, roots: readonly string[]): Promise<string | undefined> {
  try {
    if (!isInsideOf(roots, await realpath(file))) return undefined;
    const { size } = await stat(file);
    if (size > mostSearchedBytes) return undefined;
    const decoded = textOfBytes(await readFile(file));
    return "text" in decoded ? decoded.text : undefined;
  } catch {
    return undefined;
  }
}

parentPort?.on("message", (order: SearchOrder) => {
  void search(order, (report) => parentPort?.postMessage(report));
});
