import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { Emitter } from "../../common/events";
import type { AgentId, AgentSummary } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import { chatPanelType, views } from "../contributions";
import { ChatPanel, type ChatPanelPorts } from "./chatPanel";
import { RestoredTabs, showTab } from "./restoredTabs";

/** Longest wait for VS Code to restore the panel of a tab, in ms. */
const restoreLimitMs = 10_000;

export interface OpenOptions {
  /** The Agents view has the focus and keeps it. */
  readonly keepTreeFocus?: boolean;
}

/** The chat panels that are open, one an agent; VS Code brings them back after a reload. */
export class ChatPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly store = new DisposableStore();
  private readonly panels = new Map<AgentId, { readonly chat: ChatPanel; readonly panel: vscode.WebviewPanel }>();
  private readonly restored: RestoredTabs;
  private readonly onRestored = this.store.add(new Emitter<AgentId | undefined>());
  /** Panels are opened one after the other, so that a second call for an agent finds its panel. */
  private opening: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly ports: ChatPanelPorts,
    memory: vscode.Memento,
  ) {
    this.restored = new RestoredTabs(memory);
    this.store.add(vscode.window.registerWebviewPanelSerializer(chatPanelType, this));
  }

  /** Shows the agent's panel; one that is open already is brought to the front and reads everything again. */
  open(agent: Pick<AgentSummary, "id" | "name">, options: OpenOptions = {}): Promise<ChatPanel> {
    const opened = this.opening.then(() => this.openNow(agent, options));
    this.opening = opened.catch(() => {}); // the caller gets it
    return opened;
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const id = textField(state, "id");
    if (id === undefined || this.panels.has(id)) panel.dispose();
    else this.add(id, panel);
    this.onRestored.fire(id);
  }

  /** The agent whose panel has the focus. */
  get activeAgent(): AgentId | undefined {
    return [...this.panels].find(([, { chat }]) => chat.active)?.[0];
  }

  dispose(): void {
    this.store.dispose();
    for (const { chat } of this.panels.values()) chat.dispose();
  }

  private async openNow(
    { id, name }: Pick<AgentSummary, "id" | "name">,
    { keepTreeFocus = false }: OpenOptions,
  ): Promise<ChatPanel> {
    const tookFocus = !this.panels.has(id) && (await this.restore(id));
    const open = this.panels.get(id);
    if (open) {
      open.panel.reveal(undefined, keepTreeFocus);
      open.chat.reopen();
      if (keepTreeFocus && tookFocus) await vscode.commands.executeCommand(`${views.agents}.focus`);
      return open.chat;
    }
    const place = { viewColumn: vscode.ViewColumn.Active, preserveFocus: keepTreeFocus };
    return this.add(id, vscode.window.createWebviewPanel(chatPanelType, name, place, { enableFindWidget: true }));
  }

  /**
   * Shows restored tabs with the agent's title until its own panel is there, because agents may have equal names. Returns
   * whether any tab was shown.
   */
  private async restore(id: AgentId): Promise<boolean> {
    const candidates = () =>
      this.restored.candidates(
        id,
        [...this.panels.values()].map(({ panel }) => panel),
      );
    const count = candidates().length;
    for (let left = count; left > 0 && !this.panels.has(id); left--) {
      const [tab] = candidates();
      if (!tab) break;
      const restored = this.nextRestored();
      await showTab(tab);
      await restored;
    }
    return count > 0;
  }

  private nextRestored(): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(() => end(), restoreLimitMs);
      const listening = this.onRestored.event(() => end());
      const end = () => {
        clearTimeout(limit);
        listening.dispose();
        resolve();
      };
    });
  }

  private add(id: AgentId, panel: vscode.WebviewPanel): ChatPanel {
    const chat = new ChatPanel(id, panel, this.ports, (title) => this.restored.remember(id, title));
    this.panels.set(id, { chat, panel });
    this.restored.remember(id, panel.title);
    panel.onDidDispose(() => {
      this.panels.delete(id);
      this.restored.forget(id);
      chat.dispose();
    });
    return chat;
  }
}
