import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { Emitter } from "../../common/events";
import type { PinnedFileState } from "../../protocol/chatFiles";
import type { AgentId, AgentSummary } from "../../protocol/service";
import { settings } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { numberSetting } from "../engine/settings";
import { readSetting } from "../engine/settingsReader";
import { AgentPins } from "./agentPins";
import { haveSameFiles, pinnedFileState } from "./pinChips";
import type { PinSources } from "./pinSources";
import { pathOf, placeOf } from "./places";
import { readFile } from "./readFile";
import type { SaveHistory } from "./saveHistory";

/** Agents with the same files whose instructions are compared. */
const mostCompared = 10;

export interface PinnedFilesPorts {
  readonly service: ServiceHandle;
  readonly sources: PinSources;
  readonly saves: SaveHistory;
  readonly onError: (error: unknown) => void;
}

interface Used {
  readonly pins: AgentPins;
  users: number;
}

/** The pinned files of the agents that are in use in this window, kept up with what happens to the files. */
export class PinnedFiles implements Disposable {
  private readonly store = new DisposableStore();
  private readonly agents = new Map<AgentId, Used>();
  private readonly changes = this.store.add(new Emitter<AgentId>());
  private readonly tells = this.store.add(new Emitter<AgentId>());
  /** One for each folder that has pinned files. */
  private readonly watchers = new Map<string, vscode.FileSystemWatcher>();

  /** What a page shows of an agent's pinned files is different. */
  readonly onChange = this.changes.event;
  /** What the next message tells an agent of them is different. */
  readonly onTold = this.tells.event;

  constructor(private readonly ports: PinnedFilesPorts) {
    const { service, saves } = ports;
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "agent" && event.summary) this.agents.get(event.id)?.pins.see(event.summary);
      }),
    );
    this.store.add(service.onRestart(() => this.readAgain()));
    this.store.add(
      vscode.workspace.onDidSaveTextDocument(({ uri }) => {
        if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) saves.note(uri.toString());
        this.touched(uri);
      }),
    );
    this.store.add(
      vscode.workspace.onDidRenameFiles(({ files }) => {
        for (const { oldUri, newUri } of files) this.renamed(oldUri, newUri);
      }),
    );
    this.store.add(
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const uri of files) this.touchedBelow(uri);
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
    for (const { pins } of this.agents.values()) pins.dispose();
    for (const watcher of this.watchers.values()) watcher.dispose();
  }

  /** To be disposed when the agent is not used here any more. */
  use(agent: AgentId): { readonly pins: AgentPins } & Disposable {
    const used = this.agents.get(agent) ?? { pins: this.open(agent), users: 0 };
    used.users += 1;
    this.agents.set(agent, used);
    let isOver = false;
    return {
      pins: used.pins,
      dispose: () => {
        if (isOver) return;
        isOver = true;
        used.users -= 1;
        if (used.users > 0) return;
        this.agents.delete(agent);
        used.pins.dispose();
        this.watchFolders();
      },
    };
  }

  /** Does something with the pinned files of an agent that may have no panel. They are known when it begins. */
  async with<T>(agent: AgentId, work: (pins: AgentPins) => Promise<T>): Promise<T> {
    const used = this.use(agent);
    try {
      await this.known(agent, used.pins);
      return await work(used.pins);
    } finally {
      used.dispose();
    }
  }

  /** As a page shows them, when `work` is done. */
  state(agent: AgentId, work?: (pins: AgentPins) => Promise<void>): Promise<PinnedFileState> {
    return this.with(agent, async (pins) => {
      await work?.(pins);
      return pinnedFileState(pins, await this.sharedWith(pins.summary));
    });
  }

  /** Resolves when it is known what the agent has, and how the files are now. */
  private async known(agent: AgentId, pins: AgentPins): Promise<void> {
    if (pins.summary === undefined) pins.see(await (await this.ports.service.get()).getAgent(agent, 1));
    await pins.settled();
  }

  private open(agent: AgentId): AgentPins {
    const { service, sources, saves, onError } = this.ports;
    return new AgentPins(agent, {
      door: () => service.get(),
      read: (file) => readFile(vscode.Uri.parse(file), { saved: true }),
      sources,
      locate: async (path) => (await placeOf(path))?.toString(),
      rankOf: (file, modifiedAt) => saves.rankOf(file ?? "", modifiedAt),
      renewShare: () => numberSetting(readSetting, settings.filesRenewShare),
      onChange: () => {
        this.watchFolders();
        this.changes.fire(agent);
      },
      onTold: () => this.tells.fire(agent),
      onError,
    });
  }

  private touched(uri: vscode.Uri): void {
    const file = uri.toString();
    for (const { pins } of this.agents.values()) pins.touched(file);
  }

  /** A folder goes with all that is in it. */
  private touchedBelow(uri: vscode.Uri): void {
    for (const file of this.filesBelow(uri)) this.touched(vscode.Uri.parse(file));
  }

  private renamed(from: vscode.Uri, to: vscode.Uri): void {
    const { sources } = this.ports;
    const start = from.toString();
    const known = sources.files.filter((file) => file === start || file.startsWith(`${start}/`));
    for (const file of new Set([...known, ...this.filesBelow(from)])) {
      const target = vscode.Uri.parse(to.toString() + file.slice(start.length));
      const path = pathOf(target);
      sources.moved(file, target.toString(), path);
      for (const { pins } of this.agents.values()) pins.renamed(file, target.toString(), path);
    }
  }

  private filesBelow(uri: vscode.Uri): readonly string[] {
    const start = `${uri.toString()}/`;
    const files = [...this.agents.values()].flatMap(({ pins }) => pins.pins.flatMap(({ file }) => file ?? []));
    return [...new Set(files)].filter((file) => file === uri.toString() || file.startsWith(start));
  }

  /** Programs other than the editor change files too. */
  private watchFolders(): void {
    const files = [...this.agents.values()].flatMap(({ pins }) => pins.pins.flatMap(({ file }) => file ?? []));
    const folders = new Set(files.map((file) => vscode.Uri.joinPath(vscode.Uri.parse(file), "..").toString()));
    for (const [folder, watcher] of this.watchers) {
      if (folders.has(folder)) continue;
      watcher.dispose();
      this.watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.watchers.has(folder)) continue;
      const pattern = new vscode.RelativePattern(vscode.Uri.parse(folder), "*");
      const watcher = vscode.workspace.createFileSystemWatcher(pattern);
      for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete]) {
        event((uri) => this.touched(uri));
      }
      this.watchers.set(folder, watcher);
    }
  }

  /** The core is a new one. */
  private readAgain(): void {
    for (const [agent, { pins }] of this.agents) {
      const reading = this.ports.service.get().then((door) => door.getAgent(agent, 1));
      reading.then((detail) => pins.see(detail), this.ports.onError);
    }
  }

  /** Blocks are shared by agents whose prompts begin alike: instructions come before the files. */
  private async sharedWith(summary: AgentSummary | undefined): Promise<readonly string[]> {
    if (summary === undefined || (summary.files ?? []).length === 0) return [];
    const door = await this.ports.service.get();
    const others = (await door.listAgents()).filter(({ id }) => id !== summary.id);
    const alike = others.filter((other) => haveSameFiles(summary, other)).slice(0, mostCompared);
    if (alike.length === 0) return [];
    const { system } = await door.getAgent(summary.id, 1);
    const details = await Promise.all(alike.map(({ id }) => door.getAgent(id, 1).catch(() => undefined)));
    return details.flatMap((other) => (other?.system === system ? [other.name] : []));
  }
}
