import * as vscode from "vscode";

const missing: ReadonlySet<string> = new Set(["FileNotFound", "FileNotADirectory"]);

/** `undefined`: there is no such file. Any other failure is told. */
export async function statOf(uri: vscode.Uri): Promise<vscode.FileStat | undefined> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (error) {
    if (error instanceof vscode.FileSystemError && missing.has(error.code)) return undefined;
    throw error;
  }
}
