import * as vscode from "vscode";
import { IgnoreRules } from "./ignoreRules";
import { textOfBytes } from "./textOfBytes";

/** What `.gitignore` files leave out below a folder of the workspace. They are read when they are first needed. */
export function rulesIn(root: vscode.Uri): IgnoreRules {
  return new IgnoreRules((path) => textAt(vscode.Uri.joinPath(root, path)));
}

/** What the paths of all that is below a folder begin with. */
export function startOf(folder: vscode.Uri): string {
  return folder.path.endsWith("/") ? folder.path : `${folder.path}/`;
}

async function textAt(uri: vscode.Uri): Promise<string | undefined> {
  try {
    const decoded = textOfBytes(await vscode.workspace.fs.readFile(uri));
    return "text" in decoded ? decoded.text : undefined;
  } catch {
    return undefined; // most folders have none
  }
}
