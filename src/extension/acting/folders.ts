import * as vscode from "vscode";
import type { FileRef, WorkspaceFolder } from "../../acting/ports";
import { ResidentError } from "../../common/errors";
import { uniqueNames } from "./uniqueNames";

/** The folders of the workspace, as acting sees them. */
export function actingFolders(): readonly WorkspaceFolder[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const names = uniqueNames(folders.map(({ name }) => name));
  return folders.map(({ uri }, index) => ({
    name: names[index] ?? "",
    path: uri.path.replace(/(?<=.)\/$/, ""),
    ...(uri.scheme === "file" ? {} : { uri: uri.toString() }),
  }));
}

/** A folder may have been closed since the reference was made. */
export function uriOf({ folder, path, shown }: FileRef): vscode.Uri {
  const root = vscode.workspace.workspaceFolders?.[folder]?.uri;
  if (root === undefined) {
    throw new ResidentError("IO_FAILURE", `the folder of ${shown} is not open any more`, "open it again", {
      path: shown,
    });
  }
  return path === "" ? root : vscode.Uri.joinPath(root, path);
}

/** Where a file of the workspace stands in it; `undefined`: it is not in it. */
export function refOf(uri: vscode.Uri): FileRef | undefined {
  const root = vscode.workspace.getWorkspaceFolder(uri);
  if (root === undefined) return undefined;
  const base = root.uri.path.replace(/\/$/, "");
  const path = uri.path.slice(base.length + 1);
  const folders = actingFolders();
  const name = folders.length > 1 ? folders[root.index]?.name : undefined;
  return { folder: root.index, path, shown: shownPath(name, path) };
}

function shownPath(name: string | undefined, path: string): string {
  if (name === undefined) return path === "" ? "." : path;
  return path === "" ? name : `${name}/${path}`;
}
