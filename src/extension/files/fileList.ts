import type { FoundFile } from "../../protocol/chatFiles";

/** The files of the workspace that can be found, and the folders above them. Paths have "/". */
export class FileList {
  private readonly files = new Set<string>();
  /** How many files are somewhere below each folder. */
  private readonly folders = new Map<string, number>();
  private entries: readonly FoundFile[] | undefined;
  /** There were more files when it was made. */
  isCut = false;

  constructor(private readonly most: number) {}

  /** There are more files than are kept. */
  get isFull(): boolean {
    return this.isCut || this.files.size >= this.most;
  }

  get size(): number {
    return this.files.size;
  }

  add(path: string): void {
    if (this.files.size >= this.most || this.files.has(path)) return;
    this.files.add(path);
    this.count(path, 1);
  }

  /** Returns false for what is no file of the list: a folder may have gone, with all that was in it. */
  remove(path: string): boolean {
    if (!this.files.delete(path)) return !this.folders.has(path);
    this.count(path, -1);
    return true;
  }

  /** Folders and files; made anew after a change. */
  all(): readonly FoundFile[] {
    this.entries ??= [
      ...[...this.folders.keys()].map((path) => ({ path, isFolder: true })),
      ...[...this.files].map((path) => ({ path, isFolder: false })),
    ];
    return this.entries;
  }

  private count(path: string, by: 1 | -1): void {
    this.entries = undefined;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      const count = (this.folders.get(folder) ?? 0) + by;
      if (count <= 0) this.folders.delete(folder);
      else this.folders.set(folder, count);
    }
  }
}
