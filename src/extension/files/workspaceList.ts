import { dirname } from "node:path";
import * as vscode from "vscode";
import { tokenOf } from "../window/tokens";
import { excludedBy, excludeGlob } from "./excludes";
import { rulesIn, startOf } from "./folderRules";
import { foundByHost } from "./hostSearch";
import { LinkedFolders } from "./linkedFolders";
import { realPathOf } from "./realPath";

/** Files that are asked of VS Code at once: of a larger workspace a part is listed, and that is said. */
const mostFound = 20_000;
/** Between two looks at whether the search was stopped, and at other work. */
const pathsAtOnce = 200;

export interface ListedFiles {
  readonly uris: readonly vscode.Uri[];
  readonly isCut: boolean;
}

/** At most `most` files below a folder of the workspace, without those that settings or `.gitignore` leave out. */
export async function filesBelow(folder: vscode.Uri, signal: AbortSignal, most = mostFound): Promise<ListedFiles> {
  const root = vscode.workspace.getWorkspaceFolder(folder);
  if (root === undefined) return { uris: [], isCut: false };
  const found = await foundBelow(folder, signal, most);
  const rules = rulesIn(root.uri);
  const start = startOf(root.uri);
  const links = new LinkedFolders(await realRoots());
  const uris: vscode.Uri[] = [];
  for (const [index, uri] of found.entries()) {
    if (index % pathsAtOnce === 0) await new Promise((resume) => setImmediate(resume));
    if (signal.aborted) break;
    const path = uri.path.slice(start.length);
    if (!uri.path.startsWith(start) || (await rules.reasonFor(path)) !== undefined) continue;
    if (uri.scheme !== "file" || (await links.isInside(dirname(uri.fsPath)))) uris.push(uri);
  }
  return { uris, isCut: found.length >= most || signal.aborted };
}

/** Where the folders of the workspace really are, as far as they are on this machine. */
export async function realRoots(): Promise<readonly string[]> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
  return Promise.all(folders.map(({ uri }) => realPathOf(uri.fsPath)));
}

/** Folders directly in `folder` that are not ignored. */
export async function foldersIn(folder: vscode.Uri): Promise<readonly string[]> {
  const root = vscode.workspace.getWorkspaceFolder(folder);
  if (root === undefined) return [];
  const rules = rulesIn(root.uri);
  const start = startOf(root.uri);
  const names: string[] = [];
  for (const [name, type] of await vscode.workspace.fs.readDirectory(folder)) {
    if ((type & vscode.FileType.Directory) === 0) continue;
    const path = vscode.Uri.joinPath(folder, name).path.slice(start.length);
    if ((await rules.reasonForFolder(path)) === undefined) names.push(name);
  }
  return names;
}

async function foundBelow(folder: vscode.Uri, signal: AbortSignal, most: number): Promise<readonly vscode.Uri[]> {
  const stopping = tokenOf(signal);
  try {
    const excluded = excludeGlob(vscode.workspace.getConfiguration("search", folder).get("exclude"));
    const found = await foundByHost(folder, "**/*", excluded, most, stopping.token);
    const isKnown = found !== undefined && (found.length > 0 || folder.scheme === "file");
    return isKnown ? found : await walked(folder, signal, most);
  } finally {
    stopping.dispose();
  }
}

/** For file systems that nobody can search. */
async function walked(folder: vscode.Uri, signal: AbortSignal, most: number): Promise<readonly vscode.Uri[]> {
  const root = vscode.workspace.getWorkspaceFolder(folder)?.uri ?? folder;
  const rules = rulesIn(root);
  const isExcluded = exclusionsOf(root);
  const start = startOf(root);
  const files: vscode.Uri[] = [];
  const folders = [folder];
  for (let next = folders.shift(); next && files.length < most && !signal.aborted; next = folders.shift()) {
    for (const [name, type] of await vscode.workspace.fs.readDirectory(next)) {
      const uri = vscode.Uri.joinPath(next, name);
      const path = uri.path.slice(start.length);
      if (isExcluded(path)) continue;
      if ((type & vscode.FileType.File) !== 0) files.push(uri);
      else if (type === vscode.FileType.Directory && !(await rules.reasonForFolder(path))) folders.push(uri);
    }
  }
  return files.slice(0, most);
}

/** What settings leave out below a folder, by its path there. */
export function exclusionsOf(folder: vscode.Uri): (path: string) => boolean {
  const settings = ["files", "search"].map((part) => vscode.workspace.getConfiguration(part, folder).get("exclude"));
  return excludedBy(...settings);
}
