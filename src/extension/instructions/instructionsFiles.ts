import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { AgentDetail, AgentId, AgentSummary } from "../../protocol/service";
import { problemOf, problemSentences } from "../commands/errorText";
import type { Failures } from "../commands/failures";
import { instructionsScheme } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { agentOfAddress } from "./instructionsAddress";
import { type InstructionsVersion, InstructionsVersions } from "./instructionsVersions";

/** The instructions of agents as files. Saving sets them; if the core refuses, VS Code shows why and the editor stays unsaved. */
export class InstructionsFiles implements Disposable, vscode.FileSystemProvider {
  private readonly store = new DisposableStore();
  private readonly changes = this.store.add(new vscode.EventEmitter<vscode.FileChangeEvent[]>());
  private readonly versions = new InstructionsVersions();
  /** Files that an editor shows, by agent. */
  private readonly watched = new Map<AgentId, vscode.Uri>();

  /** What VS Code was told, by agent. */
  private readonly readOnly = new Map<AgentId, boolean>();

  readonly onDidChangeFile = this.changes.event;

  constructor(
    private readonly service: ServiceHandle,
    private readonly failures: Failures,
  ) {
    this.store.add(vscode.workspace.registerFileSystemProvider(instructionsScheme, this, { isCaseSensitive: true }));
    this.store.add(
      service.onEvent((event) => {
        if (event.type !== "agent") return;
        const { id, summary } = event;
        const uri = this.watched.get(id);
        if (!uri) return;
        if (!summary) this.remove(id, uri);
        // The instructions of an agent that answers cannot change.
        else if (summary.state === "idle") this.look(id, uri, isReadOnly(summary));
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  watch(uri: vscode.Uri): vscode.Disposable {
    const id = idOf(uri);
    this.watched.set(id, uri);
    return new vscode.Disposable(() => this.watched.delete(id));
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { detail, version } = await this.read(uri);
    const readOnly = isReadOnly(detail);
    this.readOnly.set(detail.id, readOnly);
    return {
      type: vscode.FileType.File,
      ctime: detail.createdAt,
      mtime: version.seenAtMs,
      size: Buffer.byteLength(version.text),
      ...(readOnly ? { permissions: vscode.FilePermission.Readonly } : {}),
    };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return Buffer.from((await this.read(uri)).version.text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const id = idOf(uri);
    const text = new TextDecoder().decode(content);
    await this.tried(uri, async () => {
      const door = await this.service.get();
      await door.setSystemPrompt(id, text);
    });
    this.versions.see(id, text);
    this.changes.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  private async read(
    uri: vscode.Uri,
  ): Promise<{ readonly detail: AgentDetail; readonly version: InstructionsVersion }> {
    const detail = await this.tried(uri, async () => (await this.service.get()).getAgent(idOf(uri), 1));
    return { detail, version: this.versions.see(detail.id, detail.system) };
  }

  /** Turns failures into file errors with the same sentences as elsewhere. */
  private async tried<T>(uri: vscode.Uri, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.failures.note(error);
      const info = toErrorInfo(error);
      if (info.code === "AGENT_NOT_FOUND") throw vscode.FileSystemError.FileNotFound(uri);
      throw vscode.FileSystemError.Unavailable(problemSentences(problemOf(info)));
    }
  }

  /** Another window, a command or the CLI may have changed the instructions. */
  private look(id: AgentId, uri: vscode.Uri, readOnly: boolean): void {
    const looking = this.service.get().then((door) => door.getAgent(id, 1));
    looking.then(
      ({ system }) => {
        if (!this.versions.isNew(id, system) && this.readOnly.get(id) === readOnly) return;
        this.versions.see(id, system);
        this.changes.fire([{ type: vscode.FileChangeType.Changed, uri }]);
      },
      (error: unknown) => this.failures.note(error),
    );
  }

  /** Closes editors without changes. VS Code marks an editor with changes as deleted. */
  private remove(id: AgentId, uri: vscode.Uri): void {
    this.versions.forget(id);
    this.changes.fire([{ type: vscode.FileChangeType.Deleted, uri }]);
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const clean = tabs.filter(({ input, isDirty }) => !isDirty && isOf(input, id));
    if (clean.length > 0) void vscode.window.tabGroups.close(clean);
  }
}

/** Whether a tab shows the instructions of this agent, also under an earlier name. */
export function isOf(input: unknown, id: AgentId): input is vscode.TabInputText {
  return (
    input instanceof vscode.TabInputText && input.uri.scheme === instructionsScheme && agentOfAddress(input.uri) === id
  );
}

function isReadOnly({ lockedElsewhere, damage }: Pick<AgentSummary, "lockedElsewhere" | "damage">): boolean {
  return lockedElsewhere || damage !== undefined;
}

function idOf(uri: vscode.Uri): AgentId {
  const id = agentOfAddress(uri);
  if (id === undefined) throw vscode.FileSystemError.FileNotFound(uri);
  return id;
}
