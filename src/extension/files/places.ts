import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { isAbsolute, isUri } from "./pathText";

/** The path as agents and pages have it: in the workspace relative to its folder, with the folder's name first where there are several. */
export function pathOf(uri: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folder === undefined) {
    if (uri.scheme === "untitled") return uri.path;
    return uri.scheme === "file" ? uri.path : uri.toString(true);
  }
  const several = folders.length > 1;
  if (folder.uri.toString() === uri.toString()) return several ? folder.name : ".";
  return vscode.workspace.asRelativePath(uri, several);
}

/** What a path of `pathOf`, or any path that a person writes, may name here, the likeliest first. */
function placesOf(name: string): readonly vscode.Uri[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (name.startsWith("~/")) return [vscode.Uri.joinPath(vscode.Uri.file(homedir()), name.slice(2))];
  if (isAbsolute(name)) return [absolute(name, folders[0])];
  const path = name.replaceAll("\\", "/");
  const [first = "", ...rest] = path.split("/");
  const named = folders.length > 1 ? folders.filter((folder) => folder.name === first) : [];
  return [
    ...named.map(({ uri }) => vscode.Uri.joinPath(uri, ...rest)),
    ...folders.map(({ uri }) => vscode.Uri.joinPath(uri, path)),
  ];
}

/** Paths of a remote workspace are of its machine. */
function absolute(path: string, folder: vscode.WorkspaceFolder | undefined): vscode.Uri {
  if (folder === undefined || folder.uri.scheme === "file") return vscode.Uri.file(path);
  return folder.uri.with({ path });
}

/** The first of the places of a name that is there; `undefined`: none is. A URI names one place, whatever is there. */
export async function placeOf(name: string): Promise<vscode.Uri | undefined> {
  if (isUri(name)) return vscode.Uri.parse(name);
  for (const uri of placesOf(name)) {
    const isOpen = vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
    if (isOpen || (await isThere(uri))) return uri;
  }
  return undefined;
}

function isThere(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}

/**
 * Whether a file is outside the workspace, as is a link in it that leads out of it. What was never saved is nowhere else than
 * here, and what is not there is nowhere.
 */
export async function isOutside(uri: vscode.Uri): Promise<boolean> {
  if (uri.scheme === "untitled") return false;
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder === undefined) return isThere(uri);
  if (uri.scheme !== "file") return false;
  const [target, root] = await Promise.all([uri, folder.uri].map(({ fsPath }) => realpath(fsPath).catch(() => fsPath)));
  if (target === undefined || root === undefined) return true;
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(target)) === undefined && !isBelow(target, root);
}

function isBelow(path: string, root: string): boolean {
  return (
    path === root || path.startsWith(root.endsWith("/") || root.endsWith("\\") ? root : `${root}${separator(root)}`)
  );
}

function separator(path: string): string {
  return path.includes("\\") ? "\\" : "/";
}
