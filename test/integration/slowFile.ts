import * as vscode from "vscode";
import { InvalidRequestError } from "../../src/common/errors";

/** A file system with one empty file, that gives its content only when it is told to, as a slow remote does. */
export class SlowFile implements vscode.FileSystemProvider {
  readonly uri = vscode.Uri.from({ scheme: "slow", path: "/slow.ts" });
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  private give: (content: Uint8Array) => void = () => {};
  private readonly content = new Promise<Uint8Array>((resolve) => {
    this.give = resolve;
  });

  release(): void {
    this.give(new Uint8Array());
  }

  readFile(): Promise<Uint8Array> {
    return this.content;
  }

  stat(): vscode.FileStat {
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: 0 };
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  readDirectory = refuse;
  createDirectory = refuse;
  writeFile = refuse;
  delete = refuse;
  rename = refuse;
}

function refuse(): never {
  throw new InvalidRequestError("the slow file is only read", "use another file system");
}
