import { Worker } from "node:worker_threads";
import * as vscode from "vscode";
import type {
  Digest,
  FileChange,
  FileRef,
  FileText,
  FoundFiles,
  FoundLines,
  SearchQuery,
  Workspace,
  WorkspaceFolder,
} from "../../acting/ports";
import { realPathOf } from "../files/realPath";
import { statOf } from "../files/statOf";
import { filesBelow, foldersIn, realRoots } from "../files/workspaceList";
import { EditorFiles } from "./editorFiles";
import { actingFolders, refOf, uriOf } from "./folders";
import { searchFiles } from "./lineSearch";
import { mostSearchedBytes, type SearchedFile } from "./searchWorker";

/** A search that takes longer gives what it has found. */
const searchMs = 20_000;
/** Files of other machines that are read at once. */
const readsAtOnce = 16;

export interface EditorWorkspaceOptions {
  readonly digest: Digest;
  readonly isSaved: () => boolean;
  /** Bundle of searchWorker.ts. */
  readonly searchWorker: string;
}

/** The workspace of this window, as its editors have it. */
export class EditorWorkspace implements Workspace {
  private readonly files: EditorFiles;

  constructor(private readonly options: EditorWorkspaceOptions) {
    this.files = new EditorFiles(options.digest, options.isSaved);
  }

  folders(): readonly WorkspaceFolder[] {
    return actingFolders();
  }

  async realPath(file: FileRef): Promise<string | undefined> {
    const uri = uriOf(file);
    // On Windows a path begins with its drive; in a URI with "/".
    return uri.scheme === "file" ? vscode.Uri.file(await realPathOf(uri.fsPath)).path : undefined;
  }

  read(file: FileRef): Promise<FileText> {
    return this.files.read(file);
  }

  write(change: FileChange): Promise<"written" | "changed"> {
    return this.files.write(change);
  }

  async list(folder: FileRef, most: number, signal: AbortSignal): Promise<FoundFiles> {
    const root = uriOf(folder);
    const { uris, isCut } = await filesBelow(root, signal);
    const start = root.path.endsWith("/") ? root.path : `${root.path}/`;
    const paths = uris.map(({ path }) => path.slice(start.length));
    const listed = new Set(paths.map((path) => path.split("/", 1)[0]));
    const empty = (await foldersIn(root)).filter((name) => !listed.has(name)).map((name) => `${name}/`);
    const all = [...paths, ...empty].sort((a, b) => depthOf(a) - depthOf(b));
    return { paths: all.slice(0, most), isCut: isCut || all.length > most };
  }

  async search({ text, isRegex, below }: SearchQuery, most: number, signal: AbortSignal): Promise<FoundLines> {
    const places =
      below === undefined ? actingFolders().map((_, folder) => ({ folder, path: "", shown: "." })) : [below];
    const startThread = () => new Worker(this.options.searchWorker, { name: "resident search" });
    const roots = await realRoots();
    let isCut = false;
    const files = async function* (): AsyncGenerator<SearchedFile> {
      for (const place of places) {
        const found = await searchedIn(uriOf(place), signal);
        isCut ||= found.isCut;
        yield* searched(found.uris);
      }
    };
    const result = await searchFiles({ text, isRegex }, files(), { most, ms: searchMs, signal, roots }, startThread);
    return { lines: result.lines, isCut: result.isCut || isCut };
  }
}

function depthOf(path: string): number {
  return path.split("/").length;
}

/** A file that is named is searched although it may be ignored. */
async function searchedIn(uri: vscode.Uri, signal: AbortSignal) {
  const stat = await statOf(uri);
  const isFolder = stat !== undefined && (stat.type & vscode.FileType.Directory) !== 0;
  return isFolder ? filesBelow(uri, signal) : { uris: [uri], isCut: false };
}

/** With the texts of unsaved documents; files of this machine are read by the thread that searches. */
async function* searched(uris: readonly vscode.Uri[]): AsyncGenerator<SearchedFile> {
  const dirty = vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty);
  const unsaved = new Map(dirty.map((document) => [document.uri.toString(), document]));
  for (let from = 0; from < uris.length; from += readsAtOnce) {
    yield* await Promise.all(uris.slice(from, from + readsAtOnce).map((uri) => searchedFile(uri, unsaved)));
  }
}

async function searchedFile(uri: vscode.Uri, unsaved: ReadonlyMap<string, vscode.TextDocument>): Promise<SearchedFile> {
  const path = refOf(uri)?.shown ?? uri.path;
  const document = unsaved.get(uri.toString());
  if (document !== undefined) return { path, text: document.getText() };
  if (uri.scheme === "file") return { path, file: uri.fsPath };
  const text = await textOf(uri);
  return text === undefined ? { path } : { path, text };
}

async function textOf(uri: vscode.Uri): Promise<string | undefined> {
  try {
    const stat = await statOf(uri);
    if (stat === undefined || stat.size > mostSearchedBytes) return undefined;
    const bytes = await vscode.workspace.fs.readFile(uri);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined; // it is no text, or gone
  }
}
