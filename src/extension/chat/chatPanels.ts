import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { AgentId, AgentSummary } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import { chatPanelType } from "../contributions";
import { ChatPanel, type ChatPanelPorts } from "./chatPanel";

/** The chat panels that are open, one an agent; VS Code brings them back after a reload. */
export class ChatPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly store = new DisposableStore();
  private readonly panels = new Map<AgentId, ChatPanel>();

  constructor(private readonly ports: ChatPanelPorts) {
    this.store.add(vscode.window.registerWebviewPanelSerializer(chatPanelType, this));
  }

  /** Shows the agent's panel; one that is open already is brought to the front and reads everything again. */
  open({ id, name }: Pick<AgentSummary, "id" | "name">): ChatPanel {
    const open = this.panels.get(id);
    if (open) {
      open.reveal();
      open.reopen();
      return open;
    }
    const panel = vscode.window.createWebviewPanel(chatPanelType, name, vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    return this.add(id, panel);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const id = textField(state, "id");
    if (id === undefined || this.panels.has(id)) panel.dispose();
    else this.add(id, panel);
  }

  /** The agent whose panel has the focus. */
  get activeAgent(): AgentId | undefined {
    return [...this.panels].find(([, panel]) => panel.active)?.[0];
  }

  dispose(): void {
    this.store.dispose();
    for (const panel of this.panels.values()) panel.dispose();
  }

  private add(id: AgentId, panel: vscode.WebviewPanel): ChatPanel {
    const chat = new ChatPanel(id, panel, this.ports);
    this.panels.set(id, chat);
    panel.onDidDispose(() => {
      this.panels.delete(id);
      chat.dispose();
    });
    return chat;
  }
}
