import * as vscode from "vscode";

const isBelow = (path: string, folder: string) => path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);

/** A file system in memory: files by their paths; folders are what has files. */
export class MemoryFiles implements vscode.FileSystemProvider {
  readonly files = new Map<string, { readonly bytes: Uint8Array; readonly mtime: number }>();
  private readonly changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private clock = 1;

  readonly onDidChangeFile = this.changes.event;

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { path } = uri;
    const file = this.files.get(path);
    if (file) return { type: vscode.FileType.File, ctime: 0, mtime: file.mtime, size: file.bytes.byteLength };
    if (path !== "/" && ![...this.files.keys()].some((one) => isBelow(one, path))) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
    return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
  }

  readDirectory({ path }: vscode.Uri): [string, vscode.FileType][] {
    const start = path.endsWith("/") ? path : `${path}/`;
    const found = new Map<string, vscode.FileType>();
    for (const one of this.files.keys()) {
      if (!one.startsWith(start)) continue;
      const [name = "", ...rest] = one.slice(start.length).split("/");
      found.set(name, rest.length === 0 ? vscode.FileType.File : vscode.FileType.Directory);
    }
    return [...found];
  }

  readFile(uri: vscode.Uri): Uint8Array {
    const file = this.files.get(uri.path);
    if (file === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return file.bytes;
  }

  writeFile(uri: vscode.Uri, bytes: Uint8Array): void {
    const type = this.files.has(uri.path) ? vscode.FileChangeType.Changed : vscode.FileChangeType.Created;
    this.files.set(uri.path, { bytes, mtime: ++this.clock });
    this.changes.fire([{ type, uri }]);
  }

  delete(uri: vscode.Uri): void {
    if (!this.files.delete(uri.path)) throw vscode.FileSystemError.FileNotFound(uri);
    this.changes.fire([{ type: vscode.FileChangeType.Deleted, uri }]);
  }

  createDirectory(): void {}

  rename(from: vscode.Uri, to: vscode.Uri): void {
    this.writeFile(to, this.readFile(from));
    this.delete(from);
  }
}
