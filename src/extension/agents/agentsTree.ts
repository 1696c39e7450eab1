import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { AgentId, AgentSummary, ResidentService } from "../../protocol/service";
import type { Failures } from "../commands/failures";
import { type ContextKey, commands, contextKeys, views } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { Throttle } from "../pages/throttle";
import { agentItem } from "./agentItem";
import { delegatesOf, ownAgents } from "./ownAgents";
import { toggledRow } from "./toggledRow";

/** Tokens and tiers change with every step; the tree is redrawn at most this often, in milliseconds. */
const redrawMs = 250;

/** The Agents view, in order of creation, which also sets the colours. Below an agent are its delegates. */
export class AgentsTree implements Disposable, vscode.TreeDataProvider<AgentSummary> {
  private readonly store = new DisposableStore();
  private readonly changes = this.store.add(new vscode.EventEmitter<undefined>());
  private readonly redraw = this.store.add(new Throttle(redrawMs, () => this.changes.fire(undefined)));
  private readonly view: vscode.TreeView<AgentSummary>;
  private latest: AgentSummary[] = [];
  /** Of the room. */
  private members: ReadonlySet<AgentId> = new Set();
  private asking: ReadonlySet<AgentId> = new Set();
  private selection: readonly AgentId[] = [];
  /** The row whose selection changed last. */
  private toggled: AgentId | undefined;

  readonly onDidChangeTreeData = this.changes.event;

  constructor(
    private readonly service: ServiceHandle,
    private readonly failures: Failures,
  ) {
    this.view = this.store.add(vscode.window.createTreeView(views.agents, { treeDataProvider: this }));
    this.store.add(
      this.view.onDidChangeSelection(({ selection }) => {
        const now = selection.map(({ id }) => id);
        this.toggled = toggledRow(this.selection, now);
        this.selection = now;
      }),
    );
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "agent" || event.type === "engine") this.redraw.request();
      }),
    );
    this.store.add(service.onRestart(() => this.redraw.request()));
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Which agents wait for the person. */
  showAsking(asking: ReadonlySet<AgentId>): void {
    this.asking = asking;
    this.redraw.request();
  }

  /** Which agents are in the room: their rows offer to remove them, the others to add them. */
  showMembers(members: ReadonlySet<AgentId>): void {
    this.members = members;
    this.redraw.request();
  }

  /** The focused row, after a key has toggled its selection. Makes it the only selected row. */
  takeFocused(): AgentId | undefined {
    const id = this.toggled ?? this.selection[0];
    this.toggled = undefined;
    const agent = this.latest.find((candidate) => candidate.id === id);
    if (agent) this.select(agent);
    return agent?.id;
  }

  async getChildren(element?: AgentSummary): Promise<AgentSummary[]> {
    return element ? [...delegatesOf(element.id, this.latest)] : [...ownAgents(await this.agents())];
  }

  getTreeItem(agent: AgentSummary): vscode.TreeItem {
    const marks = { isMember: this.members.has(agent.id), asks: this.asking.has(agent.id) };
    const look = agentItem(agent, createFormats(vscode.env.language), marks);
    const hasDelegates = delegatesOf(agent.id, this.latest).length > 0;
    const { Collapsed, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(look.label, hasDelegates ? Collapsed : None);
    item.id = agent.id;
    item.description = look.description;
    item.tooltip = new vscode.MarkdownString(look.tooltip);
    item.iconPath = new vscode.ThemeIcon(look.icon, new vscode.ThemeColor(look.colour));
    item.contextValue = look.contextValue;
    item.accessibilityInformation = { label: look.spoken };
    item.command = { command: commands.openAgent, title: "Open Agent", arguments: [{ agent: agent.id, from: "row" }] };
    return item;
  }

  /** VS Code needs this to reveal a row. */
  getParent({ delegateOf }: AgentSummary): AgentSummary | undefined {
    return this.latest.find(({ id }) => id === delegateOf);
  }

  private select(agent: AgentSummary): void {
    // The row has the focus already; to give it again would take it from the question that the key asks.
    const selecting = this.view.reveal(agent, { select: true, focus: false });
    const done = () => {
      this.toggled = undefined;
    };
    selecting.then(done, (error: unknown) => this.failures.note(error));
  }

  private async agents(): Promise<AgentSummary[]> {
    try {
      const door = await this.service.get();
      const agents = [...(await door.listAgents())].sort((a, b) => a.index - b.index);
      if (agents.length === 0) await setContext(contextKeys.noModel, !(await hasModel(door)));
      await setContext(contextKeys.noAgents, agents.length === 0);
      this.latest = agents;
      return agents;
    } catch (error) {
      if (toErrorInfo(error).code !== "ENGINE_ENDED") {
        this.failures.show(error);
        return [];
      }
      this.failures.note(error); // the engine's end is shown once for all views
      return this.latest;
    }
  }
}

async function hasModel(door: ResidentService): Promise<boolean> {
  return (await door.listModels()).some(({ problem }) => !problem);
}

function setContext(key: ContextKey, value: boolean): Thenable<unknown> {
  return vscode.commands.executeCommand("setContext", key, value);
}
