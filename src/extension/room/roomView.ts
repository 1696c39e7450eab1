import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { EditorSelection } from "../../protocol/chat";
import type { AttachmentChip } from "../../protocol/page";
import {
  type Addressees,
  isRoomToHost,
  type RoomCommand,
  type RoomMessageId,
  type RoomToPage,
} from "../../protocol/room";
import type { AgentId, AgentSummary } from "../../protocol/service";
import { type AgentPicker, agentChoices } from "../agents/agentPicker";
import { ownAgents } from "../agents/ownAgents";
import { editorSelection } from "../chat/editorSelection";
import { agentArgument, flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { type Failures, runAction } from "../commands/failures";
import { commands, views } from "../contributions";
import type { EditorActions } from "../editor/editorActions";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { AgentFiles } from "../files/agentFiles";
import { attachmentChips, sentAttachments, withFiles } from "../files/draftFiles";
import { PageHost } from "../pages/pageHost";
import { pageEngine } from "../pages/pageModel";
import { TaskQueue } from "../pages/taskQueue";
import { Throttle } from "../pages/throttle";
import { Room } from "./room";

/** Under which what the message to the room carries is kept: no agent has this id. */
const draftKey = "room";

/** Tokens and states of members change with every step; milliseconds between updates. */
const membersMs = 250;

/** A selection changes with each step of the cursor that draws it. */
const selectionMs = 150;

export interface RoomViewPorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
  readonly editors: EditorActions;
  readonly failures: Failures;
  readonly picker: AgentPicker;
  readonly memory: vscode.Memento;
  readonly files: AgentFiles;
  /** Called with the agents in the room, at the start and after each change. */
  readonly onMembers: (members: ReadonlySet<AgentId>) => void;
  readonly extensionUri: vscode.Uri;
}

/** The Room view in the side bar. The room itself lives as long as the window; its page comes and goes. */
export class RoomView implements Disposable, vscode.WebviewViewProvider {
  private readonly store = new DisposableStore();
  private readonly queue: TaskQueue;
  private readonly room: Room;
  private page: PageHost<RoomCommand, RoomToPage> | undefined;
  private recovered = false;

  constructor(
    registry: CommandRegistry,
    private readonly ports: RoomViewPorts,
  ) {
    const { service, engine, failures, memory } = ports;
    this.queue = new TaskQueue((error) => failures.note(error));
    this.room = this.store.add(
      new Room({
        door: () => service.get(),
        post: (update) => this.page?.post(update),
        language: vscode.env.language,
        memory: {
          get: (key) => memory.get(key),
          update: (key, value) => void memory.update(key, value).then(undefined, (error) => failures.note(error)),
        },
        changes: (agent) => ports.files.changes(agent),
        onMembers: ports.onMembers,
        now: () => Date.now(),
      }),
    );
    const members = this.store.add(new Throttle(membersMs, () => this.queue.add(() => this.updateMembers())));
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "agent") members.request();
        if (event.type === "turnStarted") this.queue.add(() => this.room.turnStarted(event.id));
      }),
    );
    this.store.add(
      service.onRestart(() => {
        this.room.drop();
        this.refresh();
      }),
    );
    this.store.add(
      ports.files.drafts.onChange((id) => {
        if (id === draftKey)
          this.queue.add(async () => this.page?.post({ type: "attachments", ...(await this.carried()) }));
      }),
    );
    const selected = this.store.add(new Throttle(selectionMs, () => this.sendSelection()));
    this.store.add(vscode.window.onDidChangeTextEditorSelection(() => selected.request()));
    this.store.add(vscode.window.onDidChangeActiveTextEditor(() => selected.request()));
    this.store.add(engine.onChange((state) => this.page?.post({ type: "engine", engine: pageEngine(state) })));
    this.store.add(vscode.window.registerWebviewViewProvider(views.room, this));
    this.store.add(registry.register(commands.addToRoom, (argument) => this.addMember(argument)));
    this.store.add(
      registry.register(commands.removeFromRoom, (argument) => this.member(argument, "Remove from Room", "remove")),
    );
    this.store.add(registry.register(commands.clearRoom, (argument) => this.clear(argument)));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { failures, extensionUri } = this.ports;
    const page = new PageHost<RoomCommand, RoomToPage>(
      view.webview,
      {
        name: "room",
        title: "Room",
        guard: isRoomToHost,
        onReady: () => this.refresh(),
        onCommand: (command) => this.run(command),
      },
      failures,
      extensionUri,
    );
    this.page = page;
    view.onDidChangeVisibility(() => {
      if (!view.visible) page.suspend();
    });
    view.onDidDispose(() => {
      page.dispose();
      if (this.page === page) this.page = undefined;
    });
  }

  dispose(): void {
    this.page?.dispose();
    this.store.dispose();
  }

  /** The page does not wait for it, and a failure is only logged: nothing was asked for yet. */
  private readAhead(text: string, to: Addressees): void {
    this.ports.files.drafts
      .get(draftKey)
      .then((files) => this.room.readAhead(text, to, sentAttachments(files)))
      .catch((error: unknown) => this.ports.failures.note(error));
  }

  private async carried(): Promise<{ readonly attachments: readonly AttachmentChip[] }> {
    return { attachments: attachmentChips(await this.ports.files.drafts.get(draftKey)) };
  }

  /** The message takes with it what it carries, and gives it back where it could not be sent. */
  private async ask(text: string, to: Addressees): Promise<void> {
    const { drafts } = this.ports.files;
    const files = await drafts.get(draftKey);
    await drafts.change(draftKey, () => []);
    try {
      await this.room.ask(text, to, sentAttachments(files));
    } catch (error) {
      await drafts.change(draftKey, (since) => withFiles(files, since));
      throw error;
    }
  }

  private refresh(): void {
    this.queue.add(() => this.sendSnapshot());
  }

  private async sendSnapshot(): Promise<void> {
    const { service, engine } = this.ports;
    const door = await service.get();
    if (engine.state.type === "idle") engine.set((await door.status()).engine);
    if (!this.recovered) {
      this.recovered = true;
      await this.room.recover().catch((error: unknown) => this.ports.failures.note(error));
    }
    const members = await this.room.members();
    this.page?.post({
      type: "snapshot",
      snapshot: {
        settings: { language: vscode.env.language },
        engine: pageEngine(engine.state),
        members,
        messages: this.room.shown,
        ...this.selection(),
        ...(await this.carried()),
      },
    });
  }

  private sendSelection(): void {
    this.page?.post({ type: "selection", ...this.selection() });
  }

  private selection(): { readonly selection?: EditorSelection } {
    const selected = this.ports.editors.selection();
    return selected ? { selection: editorSelection(selected) } : {};
  }

  private async updateMembers(): Promise<void> {
    if (this.page?.live) await this.room.postMembers();
  }

  /** Arguments: agent; or name, of the first agent where there is none. */
  private async addMember(argument: unknown): Promise<unknown> {
    const { service } = this.ports;
    const isFirst = agentArgument(argument) === undefined && (await (await service.get()).listAgents()).length === 0;
    return isFirst ? this.addFirst(textField(argument, "name")) : this.member(argument, "Add to Room", "add");
  }

  /** There is no agent to choose: the person makes one, and it joins the room. */
  private async addFirst(name?: string): Promise<unknown> {
    const made: unknown = await vscode.commands.executeCommand(commands.newAgent, {
      prompt: "No agents yet: make the first one. It joins the room.",
      background: true,
      ...(name === undefined ? {} : { name }),
    });
    const id = textField(made, "id");
    return id === undefined ? undefined : this.member({ agent: id }, "Add to Room", "add");
  }

  /** Argument: force (does not ask). Returns how many messages left the room. */
  private async clear(argument: unknown): Promise<unknown> {
    const messages = this.room.shown.length;
    if (messages > 0 && !flagField(argument, "force")) {
      const answer = await vscode.window.showWarningMessage(
        messages === 1 ? "Remove the message from the room?" : `Remove all ${messages} messages from the room?`,
        { modal: true, detail: "The agents keep all their turns, and answers that run go on in their panels." },
        "Clear Room",
      );
      if (answer === undefined) return undefined;
    }
    this.room.clear();
    this.refresh();
    return { messages };
  }

  private async member(argument: unknown, title: string, change: "add" | "remove"): Promise<unknown> {
    const agent = await this.ports.picker.resolve(await this.ports.service.get(), argument, title);
    if (!agent) return undefined;
    await this.room[change](agent.id);
    await vscode.commands.executeCommand(`${views.room}.focus`);
    return agent;
  }

  private async chooseMembers(): Promise<void> {
    const door = await this.ports.service.get();
    const agents = ownAgents(await door.listAgents());
    if (agents.length === 0) {
      await this.addFirst();
      return;
    }
    const present = new Set((await this.room.members()).map(({ agent }) => agent.id));
    const choices = agentChoices(agents).map((choice) => ({
      ...choice,
      ...memberMark(choice.agent),
      picked: present.has(choice.agent.id),
    }));
    const chosen = await vscode.window.showQuickPick(choices, {
      title: "Agents in the Room",
      placeHolder: "Messages to all are for these",
      canPickMany: true,
    });
    if (chosen) await this.room.setMembers(chosen.map(({ agent }) => agent.id));
  }

  private async attachSelection(): Promise<void> {
    const { files } = this.ports;
    const added = await files.attach("selection");
    await files.drafts.change(draftKey, (held) => withFiles(held, added));
  }

  private async openAttachment(index: number, message: RoomMessageId | undefined): Promise<void> {
    const { files } = this.ports;
    if (message === undefined) {
      await files.opening.draft(draftKey, (await files.drafts.get(draftKey))[index], index);
      return;
    }
    const kept = await this.room.keeperOf(message, index);
    await files.opening.sent(kept.agent, kept.turn, kept.view, kept.index);
  }

  private async run(command: RoomCommand): Promise<void> {
    const { editors } = this.ports;
    const { room } = this;
    switch (command.type) {
      case "ask":
        return this.ask(command.text, command.to);
      case "readAhead":
        this.readAhead(command.text, command.to);
        return;
      case "stop":
        return room.stop(command.agent);
      case "stopAll":
        return room.stopAll();
      case "include":
        return room.include(command.agent, command.asked);
      case "chooseMembers":
        return this.chooseMembers();
      case "attachSelection":
        return this.attachSelection();
      case "openAttachment":
        return this.openAttachment(command.index, command.message);
      case "detach":
        return this.ports.files.drafts.change(draftKey, (held) => held.filter((_, index) => index !== command.index));
      case "fold":
        return room.fold(command.message, command.agent, command.folded);
      case "regenerate":
        return room.regenerate(command.agent, command.turn);
      case "continue":
        return room.continueAnswer(command.agent, command.turn);
      case "fork":
        await vscode.commands.executeCommand(commands.forkAgent, { agent: command.agent, turn: command.turn });
        return;
      case "openPanel":
        await vscode.commands.executeCommand(commands.openAgent, { agent: command.agent });
        return;
      case "askFork":
        return room.askFork(command.message, command.agent);
      case "act": {
        const { action, agent, turn } = command;
        if ((action === "regenerate" || action === "sendAgain") && agent !== undefined && turn !== undefined) {
          return room.regenerate(agent, turn);
        }
        await runAction(action, {
          ...(agent === undefined ? {} : { agent }),
          ...(turn === undefined ? {} : { turn }),
        });
        return;
      }
      case "copy":
      case "insertAtCursor":
      case "newFile":
      case "openLink":
        return editors.run(command);
    }
  }
}

/** An agent that cannot be asked can be a member all the same. */
function memberMark({ damage, lockedElsewhere }: AgentSummary): { readonly iconPath?: vscode.ThemeIcon } {
  if (damage !== undefined) return { iconPath: new vscode.ThemeIcon("warning") };
  return lockedElsewhere ? { iconPath: new vscode.ThemeIcon("lock") } : {};
}
