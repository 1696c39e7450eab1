import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { FoundFile } from "../../protocol/chatFiles";
import { Slices } from "../languageModels/slices";
import { excludeGlob } from "./excludes";
import { FileList } from "./fileList";
import { forgetSearches, globOf, searchFiles } from "./fileSearch";
import { startOf } from "./folderRules";
import { foundByHost } from "./hostSearch";
import { type IgnoredFiles, literalGlob, relativePath } from "./ignoredFiles";
import { mostListed } from "./listing";
import { pathOf } from "./places";
import { exclusionsOf, filesBelow } from "./workspaceList";

/**
 * Files that are kept for the search: VS Code hands all of them over at once, which takes the thread's time. In a larger
 * workspace it looks for the letters too.
 */
const mostKept = 3000;
/** Of a search of VS Code for the letters. */
const mostLookedFor = 300;
const mostFound = 40;
/** A list that may be old is used, and made anew at most once in this time. */
const freshMs = 2000;
/** Events that come together are looked at together. */
const settleMs = 250;
/** More changes than that at once: the list is made anew when it is needed. */
const mostChanges = 200;
/** After so long without a search its memory is given back. */
const idleMs = 30_000;

/** The files of the workspace, found by what is typed and listed by folder, without what settings and `.gitignore` leave out. */
export class WorkspaceFiles implements Disposable {
  private readonly store = new DisposableStore();
  private list = new FileList(mostKept);
  private listing: Promise<void> | undefined;
  private listedAt = Number.NEGATIVE_INFINITY;
  /** The list is not what the workspace is. */
  private isOld = true;
  private watching = false;
  private changed = new Map<string, vscode.Uri>();
  private settling: ReturnType<typeof setTimeout> | undefined;
  private idle: ReturnType<typeof setTimeout> | undefined;
  /** VS Code's own search for what was typed last. */
  private looking: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly ignored: IgnoredFiles,
    private readonly onError: (error: unknown) => void,
  ) {
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => this.startAgain()));
    this.store.add(
      ignored.onChange(() => {
        this.isOld = true;
      }),
    );
    this.store.add({ dispose: () => clearTimeout(this.settling) });
    this.store.add({ dispose: () => clearTimeout(this.idle) });
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Files and folders that fit what was typed, the best first. */
  async find(query: string): Promise<readonly FoundFile[]> {
    this.letGoLater();
    this.looking?.cancel();
    await this.listed();
    if (query.trim() === "") return this.atHand();
    const slices = new Slices();
    const found = await searchFiles(query, this.list.all(), mostFound, () => slices.next());
    const glob = this.list.isFull ? globOf(query) : undefined;
    if (glob === undefined) return found;
    const known = new Set(found.map(({ path }) => path));
    const others = (await this.lookFor(glob)).filter((path) => !known.has(path));
    const all = [...found, ...others.map((path) => ({ path, isFolder: false }))];
    return searchFiles(query, all, mostFound, () => slices.next());
  }

  /** Before anything is typed: the files in tabs, then others. */
  private atHand(): readonly FoundFile[] {
    const inputs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ input }) => input));
    const open = inputs.flatMap((input) => (input instanceof vscode.TabInputText ? [input.uri] : []));
    const inside = open.filter((uri) => vscode.workspace.getWorkspaceFolder(uri) !== undefined);
    const paths = new Set(inside.map(pathOf));
    const others = this.list.all().filter(({ path, isFolder }) => !isFolder && !paths.has(path));
    return [...[...paths].map((path) => ({ path, isFolder: false })), ...others].slice(0, mostFound);
  }

  /** The files below a folder, as paths relative to it. `more`: there are others. */
  async below(folder: vscode.Uri): Promise<{ readonly paths: readonly string[]; readonly more: boolean }> {
    const most = 2 * mostListed;
    const found = await filesIn(folder, most);
    const start = startOf(folder);
    const kept = await this.ignored.without(found);
    const paths = kept.filter(({ path }) => path.startsWith(start)).map(({ path }) => path.slice(start.length));
    return { paths, more: found.length >= most };
  }

  /** The first list is waited for; a later one is made while the one before is used. */
  private async listed(): Promise<void> {
    const isFirst = this.list.size === 0;
    if (this.isOld && this.listing === undefined && performance.now() - this.listedAt > freshMs) {
      this.listing = this.makeList()
        .catch((error: unknown) => {
          this.isOld = true;
          this.onError(error);
        })
        .finally(() => {
          this.listing = undefined;
        });
    }
    if (isFirst) await this.listing;
  }

  private async makeList(): Promise<void> {
    this.watch();
    this.listedAt = performance.now();
    this.isOld = false;
    const list = new FileList(mostKept);
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      const most = mostKept - list.size;
      const found = most === 0 ? [] : await filesIn(folder.uri, most);
      const slices = new Slices();
      for (const uri of await this.ignored.without(found)) {
        list.add(pathOf(uri));
        await slices.next();
      }
      if (found.length === most) list.isCut = true;
    }
    this.list = list;
  }

  private async lookFor(glob: string): Promise<readonly string[]> {
    const looking = new vscode.CancellationTokenSource();
    this.looking = looking;
    const folders = vscode.workspace.workspaceFolders ?? [];
    const found = await Promise.all(
      folders.map(({ uri }) => foundByHost(uri, glob, excludesOf(uri), mostLookedFor, looking.token)),
    );
    return (await this.ignored.without(found.flatMap((uris = []) => uris))).map(pathOf);
  }

  /** Begins with the first search: who never searches pays nothing. */
  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    const watcher = this.store.add(vscode.workspace.createFileSystemWatcher("**/*", false, true, false));
    this.store.add(watcher.onDidCreate((uri) => this.note(uri)));
    this.store.add(watcher.onDidDelete((uri) => this.note(uri)));
  }

  private note(uri: vscode.Uri): void {
    if (this.isOld) return;
    this.changed.set(uri.toString(), uri);
    if (this.changed.size > mostChanges) {
      this.isOld = true;
      this.changed.clear();
      return;
    }
    this.settling ??= setTimeout(() => {
      this.settling = undefined;
      this.settle().catch(this.onError);
    }, settleMs);
  }

  private async settle(): Promise<void> {
    const uris = [...this.changed.values()];
    this.changed = new Map();
    for (const uri of uris) {
      const type = await typeOf(uri);
      if (type === undefined) {
        if (!this.list.remove(pathOf(uri))) this.isOld = true;
      } else if ((type & vscode.FileType.Directory) !== 0) {
        this.isOld = true;
      } else if (await this.isListed(uri)) {
        this.list.add(pathOf(uri));
      }
    }
  }

  private async isListed(uri: vscode.Uri): Promise<boolean> {
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    if (folder === undefined || (await this.ignored.without([uri])).length === 0) return false;
    const path = relativePath(folder, uri);
    const found = await foundByHost(folder.uri, literalGlob(path), excludesOf(uri), 1);
    return found === undefined ? !exclusionsOf(folder.uri)(path) : found.length > 0;
  }

  private startAgain(): void {
    this.isOld = true;
    this.list = new FileList(mostKept);
    this.listedAt = Number.NEGATIVE_INFINITY;
  }

  private letGoLater(): void {
    clearTimeout(this.idle);
    this.idle = setTimeout(forgetSearches, idleMs);
  }
}

/** A file system that nobody can search is walked through. */
async function filesIn(folder: vscode.Uri, most: number): Promise<readonly vscode.Uri[]> {
  const found = await foundByHost(folder, "**/*", excludesOf(folder), most);
  if (found !== undefined && (found.length > 0 || folder.scheme === "file")) return found;
  return (await filesBelow(folder, new AbortController().signal, most)).uris;
}

function excludesOf(scope: vscode.Uri): string | undefined {
  return excludeGlob(vscode.workspace.getConfiguration("search", scope).get("exclude"));
}

function typeOf(uri: vscode.Uri): Thenable<vscode.FileType | undefined> {
  return vscode.workspace.fs.stat(uri).then(
    ({ type }) => type,
    () => undefined,
  );
}
