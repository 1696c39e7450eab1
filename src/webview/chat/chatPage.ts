import { createFormats, type Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot, ChatUpdate } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import { Announcer } from "../shared/announcer";
import { oncePerFrame, part } from "../shared/frame";
import { Host, type PageMemory } from "../shared/host";
import { PressedButton } from "../shared/pressedButton";
import { Slot } from "../shared/slot";
import { keepTabStops, listenToToolbars } from "../shared/toolbars";
import type { TreeNode } from "../shared/tree";
import {
  actingAnnouncement,
  attachedAnnouncement,
  branchAnnouncement,
  doneAnnouncement,
  openedAnnouncement,
} from "./announcements";
import { announcement, isBusy, resultsToSearch } from "./derived";
import { Dock } from "./dock";
import { emptyView } from "./empty";
import { headerView } from "./header";
import { openingView } from "./opening";
import { readOnlyBanner } from "./readOnlyBanner";
import { type ChatState, emptyChat, reduceChat, turnById } from "./state";
import { Transcript } from "./transcript";

/** The chat with one agent: puts the views where they belong and carries commands to the host. */
export class ChatPage {
  readonly element = part("main", "chat");
  private readonly header = new Slot(part("div", "slot"));
  private readonly body = new Slot(part("div", "slot body"));
  private readonly transcript: Transcript;
  private readonly dock: Dock;
  private readonly announcer = new Announcer();
  private readonly pressedButton = new PressedButton(this.element);
  private readonly host: Host<ChatCommand, ChatUpdate>;
  private readonly render = oncePerFrame(() => this.renderNow());

  private state: ChatState = emptyChat;
  private formats: Formats = createFormats("en");
  private language = "en";
  private restored = false;
  private readonly atStart: PageMemory;

  constructor() {
    const run = (command: ChatCommand) => this.run(command);
    this.host = new Host((update) => this.updated(update));
    this.atStart = this.host.memory;
    const ports = {
      run,
      edit: ({ id, user }: PageTurn) => this.dock.edit(id, user),
      changed: () => this.remember(),
      jumped: () => this.dock.composer.field.focus(),
    };
    this.transcript = new Transcript(ports, this.atStart.opened);
    this.dock = new Dock(
      {
        request: (command) => this.host.request(command),
        run,
        changed: () => this.remember(),
        showCall: (call) => this.transcript.showCall(call),
        sent: () => this.transcript.toEnd(),
        render: this.render,
      },
      this.transcript.newText,
    );
    this.element.append(
      this.header.element,
      this.body.element,
      this.transcript.element,
      this.dock.element,
      this.announcer.element,
    );
    this.transcript.element.hidden = true;
    this.body.show(openingView(document.title, this.state.waitsFor));
    listenToToolbars(this.element);
    this.dock.files.listenTo(this.element);
    document.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("focus", () => this.takeFocus());
    this.dock.restore(this.atStart);
    this.host.ready();
  }

  private updated(update: ChatUpdate): void {
    const before = this.state.snapshot;
    this.state = reduceChat(this.state, update);
    if (this.state.stale && before === this.state.snapshot) this.host.ready();
    if (update.type === "focusMessage") this.dock.focusMessage();
    if (update.type === "draftSize") this.dock.measured(update);
    if (update.type === "foundFiles") this.dock.files.found(update);
    if (update.type === "refused") this.dock.takeBack(update);
    const after = this.state.snapshot;
    if (update.type === "snapshot") this.settled(update.snapshot);
    else if (before && after) {
      this.announce(before, after);
      this.announcer.tell(actingAnnouncement(before, after));
      this.announcer.tell(attachedAnnouncement(before, after));
    }
    if (update.type === "branch" && before && after) {
      this.announcer.tell(branchAnnouncement(before, after, this.formats));
    }
    this.render();
  }

  private settled({ agent, settings, draft }: ChatSnapshot): void {
    this.host.rememberId(agent.id);
    if (!this.restored && draft) this.dock.restoreKept(draft);
    if (settings.language === this.language) return;
    this.language = settings.language;
    this.formats = createFormats(settings.language);
  }

  private announce(before: ChatSnapshot, after: ChatSnapshot): void {
    const turn = after.turns.at(-1);
    if (!turn) return;
    const was = turnById(before.turns, turn.id);
    this.announcer.say(announcement(after.agent.name, was, turn, this.formats.count));
  }

  private renderNow(): void {
    const { snapshot, waitsFor } = this.state;
    if (!snapshot) {
      this.body.show(openingView(document.title, waitsFor));
      return;
    }
    const hadFocus = document.activeElement !== document.body;
    const run = (command: ChatCommand) => this.run(command);
    const isEmpty = snapshot.turns.length === 0 && snapshot.branches.length === 0;
    this.header.show(headerView(snapshot, this.formats, run));
    this.body.show(this.banner(snapshot), isEmpty && emptyView(snapshot, this.formats, run));
    this.transcript.element.hidden = isEmpty;
    this.transcript.render(snapshot, this.formats);
    this.dock.render(snapshot, this.formats);
    keepTabStops(this.header.element);
    keepTabStops(this.dock.element);
    // The button that had the focus is gone (Stop, for example): the person decides what is next, or writes.
    if (hadFocus && document.activeElement === document.body && !this.dock.focusWaiting())
      this.dock.composer.field.focus();
    this.settleIn();
  }

  private banner({ readOnly }: ChatSnapshot): TreeNode | undefined {
    return readOnly && readOnlyBanner(readOnly, this.formats, (action) => this.run({ type: "act", action }));
  }

  private run(command: ChatCommand): void {
    const { markDone } = this.pressedButton;
    const done = () => {
      if (command.type === "copy") markDone();
      if (command.type === "act" && command.turn !== undefined) this.transcript.acted(command.turn, command.action);
      this.announcer.tell(doneAnnouncement(command));
    };
    void this.host.request(command, done).then((problem) => {
      this.dock.failure = problem;
      this.render();
    });
  }

  /** Escape stops the answer; where none runs, it steps out: from inside a turn to the turn, then to the message. */
  private pressed(event: KeyboardEvent): void {
    if (event.isComposing || event.defaultPrevented) return;
    const { field } = this.dock.composer;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") {
      this.escaped();
    } else if (event.key === "ArrowUp" && control && event.target === field && field.selectionStart === 0) {
      event.preventDefault();
      this.transcript.focusLast();
    } else if (event.key === "f" && control) {
      this.search();
    }
  }

  /** VS Code's find widget opens, and searches the document. */
  private search(): void {
    this.transcript.drawAll();
    if (this.state.snapshot)
      for (const command of resultsToSearch(this.state.snapshot)) void this.host.request(command);
  }

  private escaped(): void {
    if (this.dock.cancelEdit()) return;
    if (this.state.snapshot && isBusy(this.state.snapshot)) this.run({ type: "stop" });
    else if (!this.transcript.stepOut() && !this.dock.dismiss()) this.dock.composer.field.focus();
  }

  /** Runs once, after the first snapshot is in the page: before that there is nothing to scroll or to focus. */
  private settleIn(): void {
    if (this.restored) return;
    this.restored = true;
    if (this.state.snapshot) this.announcer.tell(openedAnnouncement(this.state.snapshot, this.formats));
    this.transcript.restore(this.atStart.place);
    this.takeFocus();
  }

  /** Only where the page has the focus: a chat that is shown by a click in the Agents view leaves it there. */
  private takeFocus(): void {
    if (document.hasFocus() && document.activeElement === document.body) this.dock.composer.field.focus();
  }

  private remember(): void {
    const { place } = this.restored ? this.transcript : this.atStart;
    const { opened } = this.transcript;
    this.host.remember({
      ...this.dock.memory,
      ...(place ? { place } : {}),
      ...(opened.length > 0 ? { opened } : {}),
    });
  }
}
