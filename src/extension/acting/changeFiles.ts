import * as vscode from "vscode";
import type { FileChange } from "../../acting/ports";
import { boundedJsonIn } from "../../common/boundedJson";
import type { Disposable } from "../../common/disposables";
import type { AgentId } from "../../protocol/service";
import { changeScheme } from "../contributions";

/** Which side of which call's change a document shows. */
export interface ChangeSide {
  readonly agent: AgentId;
  readonly call: string;
  readonly side: "before" | "after";
}

interface Entry {
  readonly agent: AgentId;
  readonly call: string;
  readonly after: vscode.Uri;
  readonly before: vscode.Uri;
  text: Readonly<Record<ChangeSide["side"], Uint8Array>>;
  mtime: number;
  /** The change was made: nobody is asked about it, and its editor stays. */
  readonly isMade?: boolean;
}

/**
 * The two sides of changes that wait for the person, as files in memory. The right side can be edited: VS Code's own arrow in
 * the diff editor puts a part back, and what is accepted is what then stands there.
 */
export class ChangeFiles implements vscode.FileSystemProvider, Disposable {
  private readonly entries = new Map<string, Entry>();
  private readonly changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private readonly registration: vscode.Disposable;

  readonly onDidChangeFile = this.changes.event;

  constructor() {
    this.registration = vscode.workspace.registerFileSystemProvider(changeScheme, this, { isCaseSensitive: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }

  /** Opens VS Code's diff editor for a change that waits. */
  async show(
    agent: AgentId,
    call: string,
    { file, before = "", after = "" }: FileChange,
    title: string,
  ): Promise<void> {
    const key = keyOf(agent, call);
    const known = this.entries.get(key);
    const entry = known ?? {
      agent,
      call,
      before: addressOf({ agent, call, side: "before" }, file.path),
      after: addressOf({ agent, call, side: "after" }, file.path),
      text: { before: bytes(before), after: bytes(after) },
      mtime: Date.now(),
    };
    this.entries.set(key, entry);
    await vscode.commands.executeCommand("vscode.diff", entry.before, entry.after, title, { preview: true });
  }

  /** Opens it for a change that was made: the file from before, next to the file itself. */
  async showMade(agent: AgentId, call: string, before: string, file: vscode.Uri): Promise<void> {
    const text = { before: bytes(before), after: bytes("") };
    const side = addressOf({ agent, call, side: "before" }, file.path);
    this.entries.set(keyOf(agent, call), {
      agent,
      call,
      before: side,
      after: file,
      text,
      mtime: Date.now(),
      isMade: true,
    });
    const title = `${vscode.workspace.asRelativePath(file)} (before the change)`;
    await vscode.commands.executeCommand("vscode.diff", side, file, title, { preview: true });
  }

  /** What stands on the right side now; `undefined`: it was not shown, or is as it was proposed. */
  async accepted(agent: AgentId, call: string, proposed: string): Promise<string | undefined> {
    const entry = this.entries.get(keyOf(agent, call));
    if (entry === undefined) return undefined;
    const address = entry.after.toString();
    const document = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === address);
    if (document?.isDirty) await document.save();
    const text = document?.getText() ?? new TextDecoder().decode(entry.text.after);
    return text === proposed ? undefined : text;
  }

  /** Closes the editors of changes of which `isWaiting` says that nobody is asked any more. */
  async closeOthers(isWaiting: (agent: AgentId, call: string) => boolean): Promise<void> {
    for (const [key, { agent, call, after, isMade }] of this.entries) {
      if (isMade || isWaiting(agent, call)) continue;
      await closeEditors((uri) => uri.toString() === after.toString());
      this.entries.delete(key);
    }
  }

  /** After a reload nothing is behind the editors that VS Code shows again. */
  async closeStale(): Promise<void> {
    await closeEditors((uri) => uri.scheme === changeScheme && !this.isKnown(uri));
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { side, entry } = this.find(uri);
    const readOnly = side === "before" ? { permissions: vscode.FilePermission.Readonly } : {};
    return { type: vscode.FileType.File, ctime: 0, mtime: entry.mtime, size: entry.text[side].byteLength, ...readOnly };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    const { side, entry } = this.find(uri);
    return entry.text[side];
  }

  writeFile(uri: vscode.Uri, content: Uint8Array): void {
    const { side, entry } = this.find(uri);
    if (side === "before") throw vscode.FileSystemError.NoPermissions(uri);
    entry.text = { ...entry.text, after: content };
    entry.mtime = Math.max(Date.now(), entry.mtime + 1);
    this.changes.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.FileNotFound(uri);
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  private isKnown(uri: vscode.Uri): boolean {
    const change = changeOf(uri);
    return change !== undefined && this.entries.has(keyOf(change.agent, change.call));
  }

  private find(uri: vscode.Uri): { readonly side: ChangeSide["side"]; readonly entry: Entry } {
    const change = changeOf(uri);
    const entry = change && this.entries.get(keyOf(change.agent, change.call));
    if (change === undefined || entry === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return { side: change.side, entry };
  }
}

/** What was changed in them is saved first, so that nobody is asked. */
async function closeEditors(isModified: (uri: vscode.Uri) => boolean): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (document.isDirty && isModified(document.uri)) await document.save();
  }
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputTextDiff && isModified(input.modified));
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
}

function keyOf(agent: AgentId, call: string): string {
  return JSON.stringify([agent, call]);
}

/** The file's own name stands last: it decides the language. */
function addressOf({ agent, call, side }: ChangeSide, path: string): vscode.Uri {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const query = JSON.stringify([agent, call]);
  return vscode.Uri.from({ scheme: changeScheme, path: `/${side}/${name}`, query });
}

/** Which change a document shows; `undefined`: none. */
export function changeOf(uri: vscode.Uri): ChangeSide | undefined {
  if (uri.scheme !== changeScheme) return undefined;
  const side = uri.path.split("/")[1];
  const key: unknown = boundedJsonIn(uri.query);
  if (!Array.isArray(key) || (side !== "before" && side !== "after")) return undefined;
  const [agent, call]: readonly unknown[] = key;
  return typeof agent === "string" && typeof call === "string" ? { agent, call, side } : undefined;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
