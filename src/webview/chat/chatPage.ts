import { createFormats, type Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot, ChatUpdate } from "../../protocol/chat";
import type { PageTurn, Problem } from "../../protocol/page";
import { Announcer } from "../shared/announcer";
import { Answers } from "../shared/answers";
import { afterWriting, Composer } from "../shared/composer";
import { engineNotice } from "../shared/engineNotice";
import { Eta } from "../shared/eta";
import { Follow } from "../shared/follow";
import { oncePerFrame, part } from "../shared/frame";
import { Host, type PageMemory } from "../shared/host";
import { problemView, type RunAction } from "../shared/problem";
import { Slot } from "../shared/slot";
import { keepTabStops, listenToToolbars } from "../shared/toolbars";
import type { TreeNode } from "../shared/tree";
import { BranchesView } from "./branches";
import { announcement, runningTurn, sendBlocked } from "./derived";
import { emptyView } from "./empty";
import { headerView } from "./header";
import { readOnlyBanner } from "./readOnlyBanner";
import { type ChatState, emptyChat, reduceChat } from "./state";
import { type TurnPlace, turnView } from "./turn";

/** The chat with one agent: puts the views where they belong and carries commands to the host. */
export class ChatPage {
  readonly element = part("main", "chat");
  private readonly header = new Slot(part("div", "slot"));
  private readonly body = new Slot(part("div", "slot body"));
  private readonly log = part("div", "log", {
    role: "log",
    "aria-label": "Conversation",
    "aria-live": "off",
    tabindex: "0",
  });
  private readonly turns = new Slot(part("div", "col"));
  private readonly notices = new Slot(part("div", "slot stack"));
  private readonly announcer = new Announcer();
  private readonly answers = new Answers((command) => this.run(command));
  private readonly branches = new BranchesView((command) => this.run(command));
  private readonly eta = new Eta();
  private readonly host: Host<ChatCommand, ChatUpdate>;
  private readonly composer: Composer;
  private readonly follow: Follow;
  private readonly rendered = new Map<
    string,
    { readonly turn: PageTurn; readonly place: string; readonly node: TreeNode }
  >();
  private readonly render = oncePerFrame(() => this.renderNow());
  private readonly readSoon = afterWriting(() => this.readAhead());

  private state: ChatState = emptyChat;
  private formats: Formats = createFormats("en");
  private language = "en";
  /** The last command's failure, shown above the message until the next one. */
  private failure: Problem | undefined;
  private restored = false;
  private readonly atStart: PageMemory;

  constructor() {
    const newText = part("button", "btn second small new-text");
    newText.textContent = "New text";
    newText.hidden = true;
    this.log.append(this.turns.element);
    this.host = new Host((update) => this.updated(update));
    this.composer = new Composer({
      send: (text) => this.send(text),
      changed: () => {
        this.remember();
        this.readSoon();
      },
    });
    this.follow = new Follow(this.log, newText, () => this.remember());
    const dock = part("footer", "dock");
    const column = part("div", "col");
    column.append(newText, this.notices.element, this.composer.element);
    dock.append(column);
    this.element.append(this.header.element, this.body.element, this.log, dock, this.announcer.element);
    listenToToolbars(this.element);
    document.addEventListener("keydown", (event) => this.pressed(event));
    this.atStart = this.host.memory;
    this.composer.draft = this.atStart.draft;
    this.composer.render({ label: "Message", placeholder: "", blocked: "Available when the agent is there." });
    this.host.ready();
  }

  private updated(update: ChatUpdate): void {
    const before = this.state.snapshot;
    this.state = reduceChat(this.state, update);
    if (this.state.stale && before === this.state.snapshot) this.host.ready();
    if (update.type === "draft") this.insertDraft(update.text);
    const after = this.state.snapshot;
    if (update.type === "snapshot") this.settled(update.snapshot);
    else if (before && after) this.announce(before, after);
    this.render();
  }

  private settled({ agent, settings }: ChatSnapshot): void {
    this.host.rememberId(agent.id);
    if (settings.language === this.language) return;
    this.language = settings.language;
    this.formats = createFormats(settings.language);
    this.rendered.clear();
  }

  private announce(before: ChatSnapshot, after: ChatSnapshot): void {
    const turn = after.turns.at(-1);
    if (!turn) return;
    const was = before.turns.find(({ id }) => id === turn.id);
    this.announcer.say(announcement(after.agent.name, was, turn, this.formats.count));
  }

  private renderNow(): void {
    const { snapshot } = this.state;
    if (!snapshot) return;
    const hadFocus = document.activeElement !== document.body;
    const run = (command: ChatCommand) => this.run(command);
    const isEmpty = snapshot.turns.length === 0 && snapshot.branches.length === 0;
    this.header.show(headerView(snapshot, this.formats, run));
    this.body.show(this.banner(snapshot), isEmpty && emptyView(snapshot, run));
    this.log.hidden = isEmpty;
    this.turns.show(this.turnViews(snapshot), this.branches.show(snapshot, this.isFixed(snapshot), this.formats));
    this.notices.show(
      this.failure && problemView(this.failure, this.formats, (action) => run({ type: "act", action })),
      this.engineView(snapshot),
    );
    this.composer.render({
      label: `Message to ${snapshot.agent.name}`,
      placeholder: `Ask ${snapshot.agent.name} (Shift+Enter for a new line)`,
      blocked: sendBlocked(snapshot),
    });
    keepTabStops(this.element);
    // The button that had it is gone (Stop, for one): the next thing to do is to write.
    if (hadFocus && document.activeElement === document.body) this.composer.field.focus();
    this.settleIn();
    this.follow.rendered();
  }

  /** A turn that did not change keeps its tree, so that the patch skips it. */
  private turnViews(snapshot: ChatSnapshot): readonly TreeNode[] {
    const fixed = this.isFixed(snapshot);
    const ids = new Set(snapshot.turns.map(({ id }) => id));
    for (const id of this.rendered.keys()) if (!ids.has(id)) this.rendered.delete(id);
    this.answers.keepOnly(ids);
    return snapshot.turns.map((turn, index) => {
      const place: TurnPlace = { number: index + 1, isHead: index === snapshot.turns.length - 1, fixed };
      const placeKey = JSON.stringify(place);
      const kept = this.rendered.get(turn.id);
      if (kept?.turn === turn && kept.place === placeKey) return kept.node;
      const run = (command: ChatCommand) => this.run(command);
      const node = turnView(turn, place, { formats: this.formats, answers: this.answers, run });
      this.rendered.set(turn.id, { turn, place: placeKey, node });
      return node;
    });
  }

  private isFixed(snapshot: ChatSnapshot): boolean {
    return runningTurn(snapshot) !== undefined || snapshot.readOnly !== undefined;
  }

  private banner({ readOnly }: ChatSnapshot): TreeNode | undefined {
    return readOnly && readOnlyBanner(readOnly, this.formats, (action) => this.run({ type: "act", action }));
  }

  private engineView({ engine }: ChatSnapshot): TreeNode | undefined {
    const { state } = engine;
    const remainingMs =
      state.type === "loading" ? this.eta.remainingMs(state.model, state.done, state.total, Date.now()) : undefined;
    const run: RunAction = (action) => this.run({ type: "act", action });
    return engineNotice(engine, { formats: this.formats, run, remainingMs });
  }

  private run(command: ChatCommand): void {
    void this.host.request(command).then((problem) => {
      if (problem === undefined && this.failure === undefined) return;
      this.failure = problem;
      this.render();
    });
  }

  private send(text: string): void {
    this.composer.draft = "";
    this.follow.toEnd();
    void this.host.request({ type: "send", text }).then((problem) => {
      this.failure = problem;
      // What could not be sent is not lost, nor is what was written since.
      if (problem) this.composer.draft = [text, this.composer.draft].filter((part) => part !== "").join("\n");
      this.render();
    });
  }

  private readAhead(): void {
    const { snapshot } = this.state;
    if (snapshot === undefined || snapshot.readOnly !== undefined) return;
    void this.host.request({ type: "readAhead", draft: this.composer.draft });
  }

  private insertDraft(text: string): void {
    const { draft } = this.composer;
    this.composer.draft = draft === "" || draft.endsWith("\n") ? draft + text : `${draft}\n${text}`;
    this.composer.field.focus();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (this.state.snapshot && runningTurn(this.state.snapshot)) this.run({ type: "stop" });
  }

  /** Once, after the first snapshot is in the page: before, there is nothing to scroll, and nothing can take the focus. */
  private settleIn(): void {
    if (this.restored) return;
    this.restored = true;
    this.follow.restore(this.atStart.scrollTop);
    this.composer.field.focus();
  }

  private remember(): void {
    const { scrollTop } = this.follow;
    this.host.remember({ draft: this.composer.draft, ...(scrollTop === undefined ? {} : { scrollTop }) });
  }
}
