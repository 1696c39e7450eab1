import { createFormats, type Formats } from "../../common/format";
import type { Problem } from "../../protocol/page";
import type { RoomAnswer, RoomCommand, RoomMessageId, RoomSnapshot, RoomUpdate } from "../../protocol/room";
import { Announcer } from "../shared/announcer";
import { draftAttachments, isCarrying } from "../shared/attachments";
import { afterWriting, Composer } from "../shared/composer";
import { engineNotice } from "../shared/engineNotice";
import { Eta } from "../shared/eta";
import { oncePerFrame, part } from "../shared/frame";
import { Host, type PageMemory } from "../shared/host";
import { PressedButton } from "../shared/pressedButton";
import { problemView, type RunAction } from "../shared/problem";
import { Slot } from "../shared/slot";
import { keepTabStops, listenToToolbars } from "../shared/toolbars";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { chipsView } from "./chips";
import { Conversation } from "./conversation";
import { askBlocked, roomAnnouncement, runningAgents, targetLabel } from "./derived";
import { emptyView } from "./empty";
import { addressed, aheadOf } from "./mention";
import { MentionList } from "./mentionList";
import { emptyRoom, fold, type RoomState, reduceRoom } from "./state";

/** Several agents in one conversation: puts the views where they belong and carries commands to the host. */
export class RoomPage {
  readonly element = part("main", "room");
  private readonly top = new Slot(part("div", "slot top"));
  private readonly conversation: Conversation;
  private readonly dock = part("footer", "dock");
  private readonly notices = new Slot(part("div", "slot stack notices"));
  private readonly announcer = new Announcer();
  private readonly pressedButton = new PressedButton(this.element);
  private readonly eta = new Eta();
  private readonly host: Host<RoomCommand, RoomUpdate>;
  private readonly composer: Composer;
  private readonly mentions: MentionList;
  private readonly render = oncePerFrame(() => this.renderNow());
  private readonly readSoon = afterWriting(() => this.readAhead());
  private readonly atStart: PageMemory;

  private state: RoomState = emptyRoom;
  private formats: Formats = createFormats("en");
  private language = "en";
  /** The last command's failure, shown above the message until the next one. */
  private failure: Problem | undefined;
  private restored = false;

  constructor() {
    this.host = new Host((update) => this.updated(update));
    this.composer = new Composer({
      send: (text) => this.ask(text),
      changed: () => this.drafted(),
      key: (event) => this.mentions.key(event),
    });
    this.mentions = new MentionList(this.composer.field);
    this.conversation = new Conversation({
      run: (command) => this.run(command),
      fold: (message, answer, folded) => this.fold(message, answer, folded),
      scrolled: () => this.remember(),
      jumped: () => this.composer.field.focus(),
    });
    this.dock.append(this.conversation.newText, this.mentions.element, this.notices.element, this.composer.element);
    const title = part("h1", "sr");
    title.textContent = "Room";
    this.element.append(title, this.top.element, this.conversation.element, this.dock, this.announcer.element);
    listenToToolbars(this.element);
    document.addEventListener("keydown", (event) => this.pressed(event));
    this.atStart = this.host.memory;
    this.composer.draft = this.atStart.draft;
    this.conversation.element.hidden = true;
    this.dock.hidden = true;
    this.host.ready();
  }

  private updated(update: RoomUpdate): void {
    const before = this.state.snapshot;
    this.state = reduceRoom(this.state, update);
    if (this.state.stale && before === this.state.snapshot) this.host.ready();
    if (update.type === "attachments") this.readSoon();
    const after = this.state.snapshot;
    if (update.type === "snapshot") this.settled(update.snapshot);
    else if (before && after) this.announcer.say(roomAnnouncement(before, after, this.formats));
    this.render();
  }

  private settled({ settings }: RoomSnapshot): void {
    if (settings.language === this.language) return;
    this.language = settings.language;
    this.formats = createFormats(settings.language);
  }

  private renderNow(): void {
    const { snapshot } = this.state;
    if (!snapshot) return;
    const hadFocus = document.activeElement !== document.body;
    const run = (command: RoomCommand) => this.run(command);
    const isEmpty = snapshot.members.length === 0 && snapshot.messages.length === 0;
    const appeared = this.dock.hidden && !isEmpty;
    this.top.show(isEmpty ? emptyView(run) : chipsView(snapshot.members, this.formats, run));
    this.conversation.element.hidden = isEmpty;
    this.dock.hidden = isEmpty;
    this.conversation.render(snapshot, this.formats);
    this.notices.show(this.noticeViews(snapshot));
    this.renderComposer(snapshot);
    keepTabStops(this.top.element);
    // The button that had it is gone (Stop All, for one): the next thing to do is to write.
    if (appeared || (hadFocus && document.activeElement === document.body)) this.composer.field.focus();
    this.restoreScroll();
    this.conversation.rendered(snapshot);
  }

  private noticeViews({ engine }: RoomSnapshot): Children {
    const run: RunAction = (action) => this.run({ type: "act", action });
    const { state } = engine;
    const remainingMs =
      state.type === "loading" ? this.eta.remainingMs(state.model, state.done, state.total, Date.now()) : undefined;
    return [
      this.failure && problemView(this.failure, this.formats, run, () => this.dismiss()),
      engineNotice(engine, { formats: this.formats, run, remainingMs }),
    ];
  }

  private renderComposer(snapshot: RoomSnapshot): void {
    const { members, attachments = [] } = snapshot;
    const mention = () => this.startMention();
    const attach = () => this.run({ type: "attachSelection" });
    this.mentions.update(members, this.formats);
    const { choice } = this.mentions;
    const target = choice === undefined ? targetLabel(this.composer.draft, members, this.formats) : `To ${choice}`;
    this.composer.render({
      label: "Message to the room",
      placeholder: "Ask all, or @name to ask one",
      blocked: askBlocked(snapshot, this.composer.draft),
      mayBeEmpty: isCarrying(attachments),
      above: draftAttachments(attachments, this.formats, (command) => this.run(command)),
      tools: [
        h(
          "button.icon-btn",
          { key: "mention", "aria-label": "Mention an agent", title: "Mention (@)", on: { click: mention } },
          icon("mention"),
        ),
        attachButton(snapshot, attach),
      ],
      target: h(
        "button.quiet.target",
        { "aria-haspopup": "listbox", title: "Send To", on: { click: mention } },
        h("span.num.cut", {}, target),
        icon("chevron-down"),
      ),
    });
  }

  /** Opens the list of names, keeping what is written. */
  private startMention(): void {
    const { field } = this.composer;
    const draft = this.composer.draft.trimStart();
    const { text } = addressed(draft, this.state.snapshot?.members ?? []);
    field.focus();
    field.value = `@${draft.startsWith("@") ? text : draft}`;
    field.setSelectionRange(1, 1);
    this.drafted();
  }

  private run(command: RoomCommand): void {
    const { markDone } = this.pressedButton;
    const done = () => {
      if (command.type !== "copy") return;
      markDone();
      this.announcer.tell("Copied");
    };
    void this.host.request(command, done).then((problem) => {
      if (problem === undefined && this.failure === undefined) return;
      this.failure = problem;
      this.render();
    });
  }

  private ask(draft: string): void {
    const { to, text } = addressed(draft, this.state.snapshot?.members ?? []);
    const { snapshot } = this.state;
    if (text === "" && !isCarrying(snapshot?.attachments)) return;
    this.composer.draft = "";
    this.conversation.toEnd();
    void this.host.request({ type: "ask", text, to }).then((problem) => {
      this.failure = problem;
      // What could not be sent is not lost, nor is what was written since.
      if (problem) this.composer.draft = [draft, this.composer.draft].filter((part) => part !== "").join("\n");
      this.render();
    });
  }

  private fold(message: RoomMessageId, answer: RoomAnswer, folded: boolean): void {
    this.state = fold(this.state, message, answer.agent, folded);
    this.run({ type: "fold", message, agent: answer.agent, folded });
    this.render();
  }

  /** Escape stops the answers; where none runs, it steps out: from inside a message to it, then to the field. */
  private pressed(event: KeyboardEvent): void {
    if (event.isComposing || event.defaultPrevented) return;
    const { field } = this.composer;
    if (event.key === "Escape") {
      if (this.state.snapshot && runningAgents(this.state.snapshot).size > 0) this.run({ type: "stopAll" });
      else if (!this.conversation.stepOut() && !this.dismiss()) field.focus();
    } else if (event.key === "ArrowUp" && (event.ctrlKey || event.metaKey) && field.selectionStart === 0) {
      if (event.target !== field) return;
      event.preventDefault();
      this.conversation.focusLast();
    }
  }

  /** Puts the failure away; false where there is none. */
  private dismiss(): boolean {
    if (this.failure === undefined) return false;
    this.failure = undefined;
    this.composer.field.focus();
    this.render();
    return true;
  }

  private drafted(): void {
    this.remember();
    this.render();
    this.readSoon();
  }

  /** The agents that the draft is for read it, and their histories before it. */
  private readAhead(): void {
    const { snapshot } = this.state;
    if (snapshot === undefined) return;
    const ahead = aheadOf(this.composer.draft, snapshot.members, isCarrying(snapshot.attachments));
    if (ahead !== undefined) void this.host.request({ type: "readAhead", ...ahead });
  }

  /** Once, after the first snapshot is in the page: before, there is nothing to scroll. */
  private restoreScroll(): void {
    if (this.restored) return;
    this.restored = true;
    this.conversation.restore(this.atStart.scrollTop);
  }

  private remember(): void {
    const { scrollTop } = this.restored ? this.conversation : this.atStart;
    this.host.remember({ draft: this.composer.draft, ...(scrollTop === undefined ? {} : { scrollTop }) });
  }
}

/** Adds the editor's selection to the message. */
function attachButton({ selection }: RoomSnapshot, attach: () => void): TreeNode {
  const title = selection ? `Attach ${selection.title} to the Message` : "Select text in an editor to attach it";
  return h(
    "button.icon-btn",
    { key: "attach", "aria-label": "Attach the selection", title, disabled: !selection, on: { click: attach } },
    icon("list-selection"),
  );
}
