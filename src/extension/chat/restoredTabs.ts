import * as vscode from "vscode";
import type { AgentId } from "../../protocol/service";
import { chatPanelType } from "../contributions";

const memoryKey = "resident.chatTabs";

/** Commands that focus the first eight editor groups. */
const focusCommands = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"].map(
  (group) => `workbench.action.focus${group}EditorGroup`,
);

/** Where a live panel's tab is. */
export interface PanelPlace {
  readonly title: string;
  readonly viewColumn: vscode.ViewColumn | undefined;
}

/**
 * Chat tabs that VS Code restored with the window and that were not shown since. Only their titles are known, so the
 * titles of open panels are kept by agent.
 */
export class RestoredTabs {
  private titles: Readonly<Record<AgentId, string>>;

  constructor(private readonly memory: vscode.Memento) {
    this.titles = memory.get<Readonly<Record<AgentId, string>>>(memoryKey, {});
  }

  remember(id: AgentId, title: string): void {
    if (this.titles[id] !== title) this.keep({ ...this.titles, [id]: title });
  }

  forget(id: AgentId): void {
    const { [id]: closed, ...others } = this.titles;
    if (closed !== undefined) this.keep(others);
  }

  /** Tabs that may belong to the agent, without those of live panels. */
  candidates(id: AgentId, live: readonly PanelPlace[]): readonly vscode.Tab[] {
    const title = this.titles[id];
    if (title === undefined) return [];
    const left = [...live];
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(isChat);
    const restored = tabs.filter((tab) => {
      const at = left.findIndex((panel) => panel.title === tab.label && panel.viewColumn === tab.group.viewColumn);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    return restored.filter(({ label }) => label === title);
  }

  private keep(titles: Readonly<Record<AgentId, string>>): void {
    this.titles = titles;
    void this.memory.update(memoryKey, titles);
  }
}

/** VS Code restores a panel when its tab is shown. The API has no call for that, only commands. */
export async function showTab(tab: vscode.Tab): Promise<void> {
  const focus = focusCommands[tab.group.viewColumn - 1];
  if (focus === undefined) return;
  await vscode.commands.executeCommand(focus);
  await vscode.commands.executeCommand("workbench.action.openEditorAtIndex", tab.group.tabs.indexOf(tab));
}

/** VS Code puts a prefix of its own before the panel's type. */
function isChat({ input }: vscode.Tab): boolean {
  return input instanceof vscode.TabInputWebview && input.viewType.endsWith(chatPanelType);
}
