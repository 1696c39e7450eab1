import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { Emitter } from "../../common/events";
import { Slices } from "../languageModels/slices";
import { excludedBy } from "./excludes";
import { rulesIn, startOf } from "./folderRules";
import { foundByHost } from "./hostSearch";
import type { IgnoreRules } from "./ignoreRules";

/** What `.gitignore` files and `files.exclude` leave out of the workspace. The rules are read when they are first needed. */
export class IgnoredFiles implements Disposable {
  private readonly store = new DisposableStore();
  private readonly rules = new Map<string, IgnoreRules>();
  private readonly changes = this.store.add(new Emitter<void>());
  private watching = false;

  /** Other files may be left out now. */
  readonly onChange = this.changes.event;

  constructor() {
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => this.forget()));
    this.store.add(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("files.exclude") || event.affectsConfiguration("search.exclude")) this.forget();
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** One sentence; `undefined`: it is not left out, or not in the workspace. The rules are read anew: one file was named. */
  async whyIgnored(uri: vscode.Uri): Promise<string | undefined> {
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    if (folder === undefined) return undefined;
    const path = relativePath(folder, uri);
    if (path === "") return undefined;
    const rule = await rulesIn(folder.uri).reasonFor(path);
    if (rule !== undefined) return `It is ignored: ${rule}.`;
    return (await isExcluded(folder, path)) ? "It is hidden by the setting files.exclude." : undefined;
  }

  /** `uris` without what `.gitignore` files leave out, in slices of the thread's time. */
  async without(uris: readonly vscode.Uri[]): Promise<readonly vscode.Uri[]> {
    const slices = new Slices();
    const kept: vscode.Uri[] = [];
    for (const uri of uris) {
      const folder = vscode.workspace.getWorkspaceFolder(uri);
      const path = folder === undefined ? "" : relativePath(folder, uri);
      const rules = folder === undefined || path === "" ? undefined : this.rulesOf(folder);
      if ((await rules?.reasonFor(path)) === undefined) kept.push(uri);
      await slices.next();
    }
    return kept;
  }

  private rulesOf(folder: vscode.WorkspaceFolder): IgnoreRules {
    this.watch();
    const key = folder.uri.toString();
    const rules = this.rules.get(key) ?? rulesIn(folder.uri);
    this.rules.set(key, rules);
    return rules;
  }

  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    const watcher = this.store.add(vscode.workspace.createFileSystemWatcher("**/{.gitignore,.git/info/exclude}"));
    for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete]) {
      this.store.add(event(() => this.forget()));
    }
  }

  private forget(): void {
    this.rules.clear();
    this.changes.fire();
  }
}

/** VS Code compares globs: it is asked whether it finds the file, where it can search. */
async function isExcluded({ uri }: vscode.WorkspaceFolder, path: string): Promise<boolean> {
  const glob = literalGlob(path);
  const shown = await foundByHost(uri, glob, undefined, 1);
  if (shown === undefined) return excludedBy(vscode.workspace.getConfiguration("files", uri).get("exclude"))(path);
  return shown.length === 0 && ((await foundByHost(uri, glob, null, 1))?.length ?? 0) > 0;
}

/** A glob for this path alone. */
export function literalGlob(path: string): string {
  return path.replaceAll(/[[\]{}*?]/g, (character) => `[${character}]`);
}

export function relativePath(folder: vscode.WorkspaceFolder, uri: vscode.Uri): string {
  const start = startOf(folder.uri);
  return uri.path.startsWith(start) ? uri.path.slice(start.length) : "";
}
