import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import {
  type ChatCommand,
  type ChatModelFacts,
  type ChatToPage,
  type EditorSelection,
  isChatToHost,
} from "../../protocol/chat";
import type { AgentDetail, AgentId, AgentSummary, ServiceEvent } from "../../protocol/service";
import { isStep } from "../../protocol/turnSteps";
import { PanelActing } from "../acting/panelActing";
import type { WorkspaceActing } from "../acting/workspaceActing";
import { templateFactsOf } from "../agents/agentThinking";
import { ShownAgent } from "../agents/shownAgent";
import type { Failures } from "../commands/failures";
import type { EditorActions } from "../editor/editorActions";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { AgentFiles } from "../files/agentFiles";
import { ChatFiles, isFilesCommand, type Taken } from "../files/chatFiles";
import type { DraftFile } from "../files/draftFiles";
import { PageHost } from "../pages/pageHost";
import { pageEngine, pageTurn } from "../pages/pageModel";
import { TaskQueue } from "../pages/taskQueue";
import { Throttle } from "../pages/throttle";
import { enginePlace } from "../room/roomMembers";
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
import type { Drafts } from "./drafts";
import { editorSelection } from "./editorSelection";
import { HeadRun } from "./headRun";
import { PanelDraft } from "./panelDraft";

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
  readonly acting: WorkspaceActing;
  readonly files: AgentFiles;
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
  private readonly run: HeadRun;
  private shown: ShownBranch = { head: undefined, turnCount: 0, branches: 0, mark: "" };
  private sentSystem: string | undefined;
  private modelFacts: ChatModelFacts | undefined;
  /** What the facts are about. */
  private factsPlace: string | undefined;
  private readonly message: PanelDraft;
  private readonly acting: PanelActing;
  private readonly files: ChatFiles;
  /** What the last message took with it. */
  private taken: Taken | undefined;

  constructor(
    readonly agentId: AgentId,
    private readonly panel: vscode.WebviewPanel,
    private readonly ports: ChatPanelPorts,
    private readonly onTitle: (title: string) => void,
  ) {
    const { service, engine, editors, failures, extensionUri } = ports;
    this.queue = new TaskQueue((error) => failures.note(error));
    this.acting = this.store.add(new PanelActing(agentId, ports.acting, (update) => this.page.post(update)));
    this.requests = new ChatRequests(agentId, {
      service,
      editors,
      acting: this.acting,
      onResult: (turn, result) => this.page.post({ type: "result", turn, result }),
      onRefused: (message, problem) => {
        if (message !== undefined) this.giveBackFiles();
        this.message.giveBack(message, problem);
        this.flushMessage();
      },
    });
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
          onCommand: (command) => this.handle(command),
        },
        failures,
        extensionUri,
      ),
    );
    this.run = this.store.add(
      new HeadRun(
        async () => (await service.get()).running(agentId),
        (turn, update) => this.page.post({ ...update, turn }),
      ),
    );
    this.files = this.store.add(
      new ChatFiles(agentId, {
        files: ports.files,
        page: this.page,
        onChange: () => {
          this.warm();
          this.message.measureAgain();
        },
        onError: (error) => failures.note(error),
      }),
    );
    this.message = new PanelDraft(agentId, {
      drafts: ports.drafts,
      measure: async ({ text, instead }) => {
        const attachments = await this.files.forMessage(instead);
        return (await service.get()).measureDraft(agentId, text, instead, attachments);
      },
      carriesFiles: () => this.files.isCarrying,
      page: this.page,
      onError: (error) => failures.note(error),
    });
    this.store.add(service.onEvent((event) => this.hear(event)));
    this.store.add(
      service.onRestart(() => {
        this.run.release();
        this.reopen();
      }),
    );
    this.store.add(
      engine.onChange((state) => {
        this.page.post({ type: "engine", engine: pageEngine(state) });
        if (state.type !== "ready") return;
        this.message.measureAgain();
        this.files.measureAgain();
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
    this.store.add(new ShownAgent(agentId, service, (error) => failures.note(error)));
    this.warm();
  }

  /** Reads everything again and makes the agent hot: after a restart of the engine, or when a lock may be gone. */
  reopen(): void {
    this.warm();
    this.refresh();
  }

  /** Attaches to the message that is being written; a page that is still booting gets it with its snapshot. */
  async attach(files: readonly DraftFile[]): Promise<void> {
    await this.files.add(files);
    this.message.takeFocus();
    this.flushMessage();
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

  private async handle(command: ChatCommand): Promise<void> {
    if (command.type === "send") return this.send(command);
    if (isFilesCommand(command)) return this.files.run(command);
    if (command.type !== "readAhead") return this.requests.run(command);
    this.message.rested(command);
    this.warm();
  }

  /** What could not be sent stays in the draft. */
  private async send({ text, instead }: Extract<ChatCommand, { type: "send" }>): Promise<void> {
    this.message.sent();
    const attachments = await this.files.forMessage(instead);
    this.taken = await this.files.take(instead);
    try {
      await this.requests.send({ text, attachments, ...(instead === undefined ? {} : { instead }) });
    } catch (error) {
      this.giveBackFiles();
      throw error;
    }
  }

  private giveBackFiles(): void {
    const { taken } = this;
    this.taken = undefined;
    if (taken) this.queue.add(() => this.files.giveBack(taken));
  }

  /** Queued: an update that is under way comes first, and shows the conversation without a message that came back. */
  private flushMessage(): void {
    this.queue.add(async () => this.message.flush());
  }

  /** Read ahead, before anything is sent. What keeps it from being read is shown by the page: the engine's state, the lock. */
  private warm(): void {
    const { service, failures } = this.ports;
    const warming = this.files
      .ahead()
      .then(async (attachments) => (await service.get()).warmAgent(this.agentId, this.message.written, attachments));
    warming.catch((error: unknown) => failures.note(error));
  }

  private refresh(): void {
    this.queue.add(() => this.sendSnapshot());
  }

  private async sendSnapshot(): Promise<void> {
    const { service, engine, failures } = this.ports;
    try {
      const door = await service.get();
      const agents = await door.listAgents();
      this.page.post({ type: "opening", waitsFor: "conversation" });
      const [detail, status] = await Promise.all([
        door.getAgent(this.agentId),
        engine.state.type === "idle" ? door.status() : undefined,
      ]);
      if (status) engine.set(status.engine);
      if (this.page.closed) return;
      await Promise.all([this.run.follow(detail), this.acting.load()]);
      const run = this.run.stateOf(detail);
      const files = await this.files.snapshot();
      const snapshot = chatSnapshot(detail, {
        language: vscode.env.language,
        engine: engine.state,
        ...(run && { run }),
        selection: this.selection(),
        draft: this.message.kept,
        hasOtherAgents: agents.length > 1,
        modelFacts: this.modelFacts,
        facts: this.acting.facts,
        acting: this.acting.snapshot(detail),
        files,
      });
      this.show(detail);
      this.sentSystem = detail.system;
      this.page.post({ type: "snapshot", snapshot });
      this.message.flush();
      if (this.factsPlace !== enginePlace(detail)) this.queue.add(() => this.sendModelFacts(detail));
    } catch (error) {
      if (this.page.closed) return;
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

  /** Behind the snapshot: the model's files are read for it. A model that is gone has told so elsewhere. */
  private async sendModelFacts(agent: AgentSummary): Promise<void> {
    const door = await this.ports.service.get();
    const template = await templateFactsOf(agent, door).catch(() => undefined);
    if (template === undefined || this.page.closed) return;
    const { thinkingChoices, insistsOnDate } = template;
    this.factsPlace = enginePlace(agent);
    this.modelFacts = { thinkingChoices, insistsOnDate };
    this.page.post({ type: "modelFacts", facts: this.modelFacts });
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
    if (event.type === "ended") {
      const turn = this.run.cutOff(event.error); // what came of its answer stays in view
      if (turn) this.page.post({ type: "turn", turn: pageTurn(turn, vscode.env.language) });
    }
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
        this.run.flush();
        this.queue.add(() => this.sendBranch());
        this.warm();
        break;
    }
  }

  private async sendAgent(): Promise<void> {
    if (!this.page.live) return;
    const detail = await this.detail(newestTurns);
    if (this.page.closed) return;
    this.retitle(detail.name);
    // Instructions may be long, and an agent changes with every step of its answer.
    const system = detail.system === this.sentSystem ? {} : { system: detail.system };
    this.sentSystem = detail.system;
    this.page.post({ type: "agent", agent: summaryOf(detail), ...system, ...agentParts(detail) });
    this.acting.note(detail);
    // Rewinding, switching branches and failed saves change the turns without a turn of their own.
    if (!isShown(this.shown, shownBranch(detail))) await this.sendBranch();
  }

  private async sendBranch(): Promise<void> {
    if (!this.page.live) return;
    const { language } = vscode.env;
    const newest = await this.detail(newestTurns);
    const turn = newTurn(this.shown, newest);
    const detail = turn ? newest : await this.detail();
    await Promise.all([this.run.follow(detail), this.acting.load()]);
    const run = this.run.stateOf(detail);
    const { facts } = this.acting;
    this.show(detail);
    if (turn) {
      const before = detail.turns.at(-2);
      // How its calls went is known now.
      const ended = isStep(turn) && before?.figures?.cache.refused === undefined ? before : undefined;
      if (ended) this.page.post({ type: "turn", turn: { ...pageTurn(ended, language), ...facts(ended, turn) } });
      this.page.post({ type: "turn", turn: { ...pageTurn(turn, language, run, before), ...facts(turn) } });
      if (turn.state !== "running" && detail.branchCount > 0) await this.sendBranches();
    } else {
      this.page.post({ type: "branch", branch: chatBranch(detail, { language, facts, ...(run && { run }) }) });
    }
    this.message.measureAgain();
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
    if (this.page.closed) return;
    this.retitle(detail.name);
    this.shown = shownBranch(detail);
    this.requests.shown(detail.turns);
    this.files.shown(detail.turns);
  }
}
