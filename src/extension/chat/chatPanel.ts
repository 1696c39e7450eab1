import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { type ErrorInfo, toErrorInfo } from "../../common/errors";
import {
  type ChatCommand,
  type ChatToPage,
  type EditorSelection,
  isChatToHost,
  type MessageDraft,
} from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import type { AgentDetail, AgentId, ServiceEvent, TurnView } from "../../protocol/service";
import type { Failures } from "../commands/failures";
import type { EditorActions } from "../editor/editorActions";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import { PageHost } from "../pages/pageHost";
import { pageEngine, pageTurn } from "../pages/pageModel";
import { RunFollower, type RunState } from "../pages/runFollower";
import { TaskQueue } from "../pages/taskQueue";
import { Throttle } from "../pages/throttle";
import {
  agentParts,
  chatBranch,
  chatSnapshot,
  isShown,
  newestTurns,
  newTurn,
  type ShownBranch,
  shownBranch,
  summaryOf,
} from "./chatModel";
import { ChatRequests } from "./chatRequests";
import { DraftMeter } from "./draftMeter";
import type { Drafts } from "./drafts";
import { editorSelection } from "./editorSelection";
import { ShownAgent } from "./shownAgent";

/** Tokens and tiers change with every step of the engine; the page is told at most this often. */
const agentPeriodMs = 100;
/** A selection changes with every move of the cursor; the page is told at most this often. */
const selectionPeriodMs = 150;

export interface ChatPanelPorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
  readonly editors: EditorActions;
  readonly failures: Failures;
  readonly drafts: Drafts;
  readonly extensionUri: vscode.Uri;
}

/** The chat of one agent: its panel, what the page has been told, and the answer that is being followed. */
export class ChatPanel implements Disposable {
  private readonly store = new DisposableStore();
  private readonly page: PageHost<ChatCommand, ChatToPage>;
  /** Runs in order whatever reads the service and then tells the page, so that no update overtakes a snapshot. */
  private readonly queue: TaskQueue;
  private readonly requests: ChatRequests;
  private readonly agentChanged: Throttle;
  private follower: RunFollower | undefined;
  private followed: TurnView | undefined;
  private shown: ShownBranch = { head: undefined, turnCount: 0, branches: 0, mark: "" };
  private pendingDraft = "";
  /** Messages that came back while no page was there to take them. */
  private readonly refused: { readonly message: MessageDraft; readonly problem: Problem }[] = [];
  /** What the page's message field held when it last rested; empty while it holds an earlier message to be edited. */
  private written = "";
  private readonly meter: DraftMeter;

  constructor(
    readonly agentId: AgentId,
    private readonly panel: vscode.WebviewPanel,
    private readonly ports: ChatPanelPorts,
    private readonly onTitle: (title: string) => void,
  ) {
    const { service, engine, editors, failures, extensionUri } = ports;
    this.queue = new TaskQueue((error) => failures.note(error));
    this.requests = new ChatRequests(agentId, {
      service,
      editors,
      onRefused: (message, problem) => this.giveBack(message, problem),
    });
    this.meter = new DraftMeter(
      async (draft) => (await service.get()).measureDraft(agentId, draft),
      (serial, size) => this.page.post({ type: "draftSize", serial, ...(size && { size }) }),
      (error) => failures.note(error),
    );
    this.agentChanged = this.store.add(new Throttle(agentPeriodMs, () => this.queue.add(() => this.sendAgent())));
    panel.iconPath = {
      light: vscode.Uri.joinPath(extensionUri, "media", "chat-light.svg"),
      dark: vscode.Uri.joinPath(extensionUri, "media", "chat-dark.svg"),
    };
    this.page = this.store.add(
      new PageHost<ChatCommand, ChatToPage>(
        panel.webview,
        {
          name: "chat",
          title: panel.title,
          guard: isChatToHost,
          onReady: () => this.refresh(),
          onCommand: (command) => this.run(command),
        },
        failures,
        extensionUri,
      ),
    );
    this.store.add(service.onEvent((event) => this.hear(event)));
    this.store.add(
      service.onRestart(() => {
        this.unfollow();
        this.reopen();
      }),
    );
    this.store.add(
      engine.onChange((state) => {
        this.page.post({ type: "engine", engine: pageEngine(state) });
        if (state.type === "ready") this.meter.again();
      }),
    );
    const selected = this.store.add(new Throttle(selectionPeriodMs, () => this.sendSelection()));
    this.store.add(vscode.window.onDidChangeTextEditorSelection(() => selected.request()));
    this.store.add(vscode.window.onDidChangeActiveTextEditor(() => selected.request()));
    this.store.add(
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.page.suspend();
      }),
    );
    this.store.add({ dispose: () => this.follower?.dispose() });
    this.store.add(new ShownAgent(agentId, service, (error) => failures.note(error)));
    this.warm();
  }

  /** Reads everything again and makes the agent hot: after a restart of the engine, or when a lock may be gone. */
  reopen(): void {
    this.warm();
    this.refresh();
  }

  /** Adds text to the message that is being written; a page that is still booting gets it after its snapshot. */
  draft(text: string): void {
    this.pendingDraft += text;
    this.queue.add(async () => this.sendDraft());
  }

  get active(): boolean {
    return this.panel.active;
  }

  /** Closes the panel for good. */
  close(): void {
    this.panel.dispose();
  }

  /** Forgets the panel without closing it: VS Code restores a panel that is open when the window closes. */
  dispose(): void {
    this.store.dispose();
  }

  private async run(command: ChatCommand): Promise<void> {
    const { drafts } = this.ports;
    if (command.type === "send") drafts.set(this.agentId, undefined);
    if (command.type !== "readAhead") return this.requests.run(command);
    const { draft, instead, serial } = command;
    drafts.set(this.agentId, instead === undefined ? { text: draft } : { text: draft, instead });
    this.meter.ask(draft, serial);
    // An edited message does not follow the head, so it cannot be read ahead.
    this.written = instead === undefined ? draft : "";
    this.warm();
  }

  /** Queued, so that the page shows the conversation without the message first. */
  private giveBack(message: MessageDraft, problem: Problem): void {
    this.refused.push({ message, problem });
    this.queue.add(async () => this.sendRefused());
  }

  /** Read ahead, before anything is sent. What keeps it from being read is shown by the page: the engine's state, the lock. */
  private warm(): void {
    const { service, failures } = this.ports;
    const warming = service.get().then((door) => door.warmAgent(this.agentId, this.written));
    warming.catch((error: unknown) => failures.note(error));
  }

  private refresh(): void {
    this.queue.add(() => this.sendSnapshot());
  }

  private async sendSnapshot(): Promise<void> {
    const { service, engine, drafts, failures } = this.ports;
    try {
      const door = await service.get();
      const [detail, agents, status] = await Promise.all([
        door.getAgent(this.agentId),
        door.listAgents(),
        engine.state.type === "idle" ? door.status() : undefined,
      ]);
      if (status) engine.set(status.engine);
      await this.follow(detail);
      const snapshot = chatSnapshot(detail, {
        language: vscode.env.language,
        engine: engine.state,
        ...this.runOf(detail),
        selection: this.selection(),
        draft: drafts.get(this.agentId),
        hasOtherAgents: agents.length > 1,
      });
      this.show(detail);
      this.page.post({ type: "snapshot", snapshot });
      this.sendRefused();
      this.sendDraft();
    } catch (error) {
      const { code } = toErrorInfo(error);
      if (code === "ENGINE_ENDED") {
        failures.note(error); // what is shown stays until there is an engine again
        return;
      }
      // There is nothing to show: an agent that was deleted meanwhile is no failure.
      if (code !== "AGENT_NOT_FOUND") failures.show(error, { target: { agent: this.agentId } });
      this.close();
    }
  }

  private sendDraft(): void {
    if (!this.page.live || this.pendingDraft === "") return;
    this.page.post({ type: "draft", text: this.pendingDraft });
    this.pendingDraft = "";
  }

  private sendRefused(): void {
    if (!this.page.live) return;
    for (const refused of this.refused.splice(0)) this.page.post({ type: "refused", ...refused });
  }

  private sendSelection(): void {
    const selection = this.selection();
    this.page.post({ type: "selection", ...(selection && { selection }) });
  }

  private selection(): EditorSelection | undefined {
    const selected = this.ports.editors.selection();
    return selected && editorSelection(selected);
  }

  private hear(event: ServiceEvent): void {
    if (event.type === "ended") this.cutOff(event.error);
    if (!("id" in event) || event.id !== this.agentId) return;
    switch (event.type) {
      case "agent":
        if (event.summary) this.agentChanged.request();
        else this.close();
        break;
      case "turnStarted":
        this.queue.add(() => this.sendBranch());
        break;
      case "turnEnded":
        this.follower?.flush();
        this.queue.add(() => this.sendBranch());
        this.warm();
        break;
    }
  }

  private async sendAgent(): Promise<void> {
    if (!this.page.live) return;
    const detail = await this.detail(newestTurns);
    this.retitle(detail.name);
    this.page.post({ type: "agent", agent: summaryOf(detail), system: detail.system, ...agentParts(detail) });
    // Rewinding, switching branches and failed saves change the turns without a turn of their own.
    if (!isShown(this.shown, shownBranch(detail))) await this.sendBranch();
  }

  private async sendBranch(): Promise<void> {
    if (!this.page.live) return;
    const { language } = vscode.env;
    const newest = await this.detail(newestTurns);
    const turn = newTurn(this.shown, newest);
    const detail = turn ? newest : await this.detail();
    await this.follow(detail);
    const { run } = this.runOf(detail);
    this.show(detail);
    if (turn) {
      this.page.post({ type: "turn", turn: pageTurn(turn, language, run, detail.turns.at(-2)) });
      if (turn.state !== "running" && detail.branchCount > 0) await this.sendBranches();
    } else {
      this.page.post({ type: "branch", branch: chatBranch(detail, { language, ...(run && { run }) }) });
    }
    this.meter.again();
  }

  /** The newest turns come without the tree of branches. */
  private async sendBranches(): Promise<void> {
    const { branches } = await this.detail();
    this.page.post({ type: "branches", branches });
  }

  private async detail(turns?: number): Promise<AgentDetail> {
    const door = await this.ports.service.get();
    return door.getAgent(this.agentId, turns);
  }

  private retitle(title: string): void {
    if (this.panel.title === title) return;
    this.panel.title = title;
    this.onTitle(title);
  }

  private show(detail: AgentDetail): void {
    this.retitle(detail.name);
    this.shown = shownBranch(detail);
    this.requests.shown(detail.turns);
  }

  private runOf(detail: AgentDetail): { readonly run?: RunState } {
    const running = detail.turns.at(-1)?.id === this.followed?.id && this.follower;
    return running ? { run: running.state } : {};
  }

  /** Follows the head's answer while it runs; lets go of one that has ended. */
  private async follow(detail: AgentDetail): Promise<void> {
    const head = detail.turns.at(-1);
    const door = await this.ports.service.get();
    const running = head?.state === "running" ? await door.running(this.agentId) : undefined;
    if (!head || !running) {
      this.unfollow();
      return;
    }
    if (this.follower?.running.id === running.id) return;
    this.unfollow();
    this.followed = head;
    this.follower = new RunFollower(running, (update) => this.page.post({ ...update, turn: head.id }));
    running.done.catch(() => {}); // the turn carries its failure
  }

  /** The engine ended under the answer: what came of it stays in view. */
  private cutOff(error: ErrorInfo): void {
    const { follower, followed } = this;
    if (!follower || !followed) return;
    const turn: TurnView = { ...followed, answer: follower.state.text, state: "failed", error };
    this.unfollow();
    this.page.post({ type: "turn", turn: pageTurn(turn, vscode.env.language) });
  }

  private unfollow(): void {
    this.follower?.dispose();
    this.follower = undefined;
    this.followed = undefined;
  }
}
