import * as vscode from "vscode";
import { type FileReading, refusals, textReading } from "./fileReading";
import { isImage, mostFileBytes, textOfBytes } from "./textOfBytes";

/**
 * Reads a file of whatever file system: as the editor has it, also with changes that are not saved; with `saved` as it was
 * saved last. Never rejects.
 */
export async function readFile(uri: vscode.Uri, { saved = false } = {}): Promise<FileReading> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open !== undefined && !open.isClosed && !(saved && open.isDirty)) {
    return textReading(open.getText(), await modifiedAt(uri));
  }
  try {
    const { type, size, mtime } = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.Directory) !== 0) return { is: "folder" };
    if (isImage(uri.path)) return { is: "refused", problem: refusals.image };
    if (size > mostFileBytes) return { is: "refused", problem: refusals.tooLarge(size) };
    const decoded = textOfBytes(await vscode.workspace.fs.readFile(uri));
    if ("text" in decoded) return textReading(decoded.text, mtime);
    if (decoded.is === "binary") return { is: "refused", problem: refusals.binary };
    return textReading(await textInEditor(uri), mtime);
  } catch (error) {
    return failedReading(error, uri);
  }
}

/** VS Code's settings know the encoding. */
async function textInEditor(uri: vscode.Uri): Promise<string> {
  return (await vscode.workspace.openTextDocument(uri)).getText();
}

async function modifiedAt(uri: vscode.Uri): Promise<number> {
  return vscode.workspace.fs.stat(uri).then(
    ({ mtime }) => mtime,
    () => 0, // it was never saved, or is gone while its editor is open
  );
}

function failedReading(error: unknown, uri: vscode.Uri): FileReading {
  const code = error instanceof vscode.FileSystemError ? error.code : "";
  if (code === "FileNotFound") return { is: "missing" };
  if (code === "Unavailable" || vscode.workspace.fs.isWritableFileSystem(uri.scheme) === undefined) {
    return { is: "refused", problem: refusals.noFileSystem(uri.scheme) };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { is: "refused", problem: `It cannot be read: ${reason.replace(/[.\s]+$/, "").slice(0, 200)}.` };
}
