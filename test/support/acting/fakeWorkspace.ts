/** A workspace in memory, with what a real one does: links, unreadable files, documents that change meanwhile. */
import { createHash } from "node:crypto";
import type {
  CommandEnd,
  CommandRequest,
  Commands,
  FileChange,
  FileRef,
  FileText,
  FoundFiles,
  FoundLines,
  Problem,
  Problems,
  SearchQuery,
  Workspace,
  WorkspaceFolder,
} from "../../../src/acting/ports";

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export class FakeWorkspace implements Workspace {
  /** Texts by path below the first folder; of further folders with the folder's index and ":" before. */
  readonly files = new Map<string, string>();
  /** Folders and files that are links: path and the absolute path that it leads to. */
  readonly links = new Map<string, string>();
  readonly binary = new Set<string>();
  /** What happens between the look at a file and its write. */
  beforeWrite: (change: FileChange) => void = () => {};
  /** What saving does to a text. */
  onSave: (text: string) => string = (text) => text;
  readonly written: FileChange[] = [];

  constructor(
    files: Readonly<Record<string, string>> = {},
    readonly all: readonly WorkspaceFolder[] = [{ name: "app", path: "/work/app" }],
  ) {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
  }

  text(path: string): string | undefined {
    return this.files.get(path);
  }

  folders(): readonly WorkspaceFolder[] {
    return this.all;
  }

  async realPath({ folder, path }: FileRef): Promise<string | undefined> {
    const parts = path.split("/");
    for (let count = parts.length; count > 0; count--) {
      const link = this.links.get(key(folder, parts.slice(0, count).join("/")));
      if (link !== undefined) return [link, ...parts.slice(count)].join("/");
    }
    return [this.all[folder]?.path, ...parts].filter((part) => part !== "").join("/");
  }

  async read({ folder, path }: FileRef): Promise<FileText> {
    const at = key(folder, path);
    if (this.binary.has(at)) return { kind: "binary", bytes: 10 };
    const text = this.files.get(at);
    if (text !== undefined) return { kind: "text", text, digest: digest(text) };
    const isFolder = path === "" || [...this.files.keys()].some((one) => one.startsWith(`${at}/`));
    return { kind: isFolder ? "folder" : "missing" };
  }

  async write(change: FileChange): Promise<"written" | "changed"> {
    const { file, before, after } = change;
    this.beforeWrite(change);
    const at = key(file.folder, file.path);
    if (this.files.get(at) !== before) return "changed";
    if (after === undefined) this.files.delete(at);
    else this.files.set(at, this.onSave(after));
    this.written.push(change);
    return "written";
  }

  async list(folder: FileRef, most: number): Promise<FoundFiles> {
    const paths = this.below(folder).map((path) => path.slice(folder.path === "" ? 0 : folder.path.length + 1));
    return { paths: paths.slice(0, most), isCut: paths.length > most };
  }

  async search({ text, isRegex, below }: SearchQuery, most: number): Promise<FoundLines> {
    const matches = isRegex ? (line: string) => new RegExp(text).test(line) : (line: string) => line.includes(text);
    const root = below ?? { folder: 0, path: "", shown: "." };
    const paths = this.files.has(root.path) ? [root.path] : this.below(root);
    const lines = paths.flatMap((path) =>
      (this.files.get(path) ?? "")
        .split(/\r?\n/)
        .flatMap((line, index) => (matches(line) ? [{ path, line: index + 1, text: line }] : [])),
    );
    return { lines: lines.slice(0, most), isCut: lines.length > most };
  }

  private below({ folder, path }: FileRef): readonly string[] {
    const prefix = folder === 0 ? "" : `${folder}:`;
    return [...this.files.keys()]
      .filter((one) => (folder === 0 ? !/^\d+:/.test(one) : one.startsWith(prefix)))
      .map((one) => one.slice(prefix.length))
      .filter((one) => path === "" || one.startsWith(`${path}/`))
      .sort();
  }
}

function key(folder: number, path: string): string {
  return folder === 0 ? path : `${folder}:${path}`;
}

/** Commands by their lines; one that is not there is not found. */
export class FakeCommands implements Commands {
  readonly ran: string[] = [];
  /** "hang": prints and goes on until it is ended. */
  readonly known = new Map<string, () => { readonly output: string; readonly exitCode: number } | "hang">();
  ended = 0;

  async run({ command }: CommandRequest, onData: (data: string) => void, signal: AbortSignal): Promise<CommandEnd> {
    this.ran.push(command);
    const known = this.known.get(command)?.() ?? { output: `${command}: command not found\r\n`, exitCode: 127 };
    if (known !== "hang") {
      onData(known.output);
      return { exitCode: known.exitCode };
    }
    onData("started\r\n");
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    });
    this.ended += 1;
    return {};
  }
}

export class FakeProblems implements Problems {
  found: readonly Problem[] = [];

  async list(below: FileRef | undefined): Promise<readonly Problem[]> {
    return this.found.filter(
      ({ path }) => below === undefined || path === below.path || path.startsWith(`${below.path}/`),
    );
  }
}
