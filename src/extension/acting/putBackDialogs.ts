import * as vscode from "vscode";
import type { RestoredFile } from "../../acting/checkpoints";
import { createFormats, plural } from "../../common/format";
import type { PutBack, PutBackChoice } from "./putFilesBack";
import { restoreWords } from "./restoreWords";

/** Asks what shall be put back; `undefined`: nothing. */
export async function askPutBack(files: readonly RestoredFile[]): Promise<PutBackChoice | undefined> {
  const { title, detail, ways } = restoreWords(files, createFormats(vscode.env.language));
  const labels = ways.map(({ label }) => label);
  const chosen = await vscode.window.showWarningMessage(title, { modal: true, detail }, ...labels);
  return ways.find(({ label }) => label === chosen)?.choice;
}

/** Tells what was done. */
export function showPutBack({ restored, kept }: PutBack): void {
  const formats = createFormats(vscode.env.language);
  const left = kept.length === 0 ? "" : ` ${plural(kept.length, "file", formats)} stayed: ${kept.join(", ")}.`;
  void vscode.window.showInformationMessage(`${plural(restored.length, "file", formats)} put back.${left}`);
}
