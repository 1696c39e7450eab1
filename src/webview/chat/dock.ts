import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { ChatCommand, ChatSnapshot, ChatUpdate, MessageDraft } from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import type { DraftSize, TurnId } from "../../protocol/service";
import { placeOf } from "../../protocol/turnSteps";
import { draftAttachments, isCarrying } from "../shared/attachments";
import { afterWriting, Composer } from "../shared/composer";
import { engineNotice } from "../shared/engineNotice";
import { Eta } from "../shared/eta";
import { part } from "../shared/frame";
import type { PageMemory } from "../shared/host";
import { KeptTrees } from "../shared/kept";
import { problemView, type RunAction } from "../shared/problem";
import { Slot } from "../shared/slot";
import type { TreeNode } from "../shared/tree";
import { type WaitingBarPorts, waitingBar } from "./approval";
import { compactButton, compactNotice } from "./compact";
import { sendBlocked } from "./derived";
import { DraftFiles } from "./draftFiles";
import { attachButton, draftFit, draftSizeId, draftSizeView, editingBar, modelButton, toolsButton } from "./draftViews";
import { pinnedFilesView } from "./pinnedFiles";

export interface DockPorts {
  /** Resolves when the host has done it, with the problem when it could not. */
  readonly request: (command: ChatCommand) => Promise<Problem | undefined>;
  readonly run: (command: ChatCommand) => void;
  /** The draft has changed. */
  readonly changed: () => void;
  /** Shows a call in the transcript. */
  readonly showCall: (call: string) => void;
  /** A message is on its way. */
  readonly sent: () => void;
  readonly render: () => void;
}

/** What stands below the transcript: the failure of the last command, the engine's state, the message. */
export class Dock {
  readonly element = part("footer", "dock");
  readonly composer: Composer;
  /** The last command's failure, shown above the message until the next one. */
  failure: Problem | undefined;
  readonly files: DraftFiles;
  private readonly notices = new Slot(part("div", "slot stack"));
  private readonly waiting = new Slot(part("div", "slot"));
  private readonly pins = new Slot(part("div", "slot"));
  private readonly eta = new Eta();
  /** What may hold many files. */
  private readonly kept = new KeptTrees<TreeNode | undefined>();
  private readonly readSoon = afterWriting(() => this.readAhead());
  private snapshot: ChatSnapshot | undefined;
  private editing: PageMemory["editing"];
  /** Of the draft as it was last measured; absent: not known. */
  private size: DraftSize | undefined;
  /** The last draft that the host was told, and its number. */
  private told: string | undefined;
  private serial = 0;

  /** `above` stands over the transcript's end. */
  constructor(
    private readonly ports: DockPorts,
    above: HTMLElement,
  ) {
    this.composer = new Composer({
      send: (text) => this.send(text),
      changed: () => this.changed(),
      key: (event) => this.files.mentions.key(event) || this.toWaiting(event),
    });
    this.files = new DraftFiles(this.composer.field, {
      request: ports.request,
      run: ports.run,
      refuse: (problem) => this.fail(problem),
    });
    // A panel that is closed loses the focus first: the host has the draft then.
    this.composer.field.addEventListener("blur", () => this.readAhead());
    const column = part("div", "col");
    const { mentions, menu } = this.files;
    const writing = part("div", "writing");
    writing.append(mentions.element, menu.element, this.composer.element);
    column.append(above, this.notices.element, this.waiting.element, this.pins.element, writing);
    this.element.append(column);
    this.composer.render({ label: "Message", placeholder: "", blocked: "Available when the agent is there." });
  }

  render(snapshot: ChatSnapshot, formats: Formats): void {
    if (this.snapshot === undefined) this.readSoon(); // what a reload has kept
    this.snapshot = snapshot;
    const { run } = this.ports;
    const act: RunAction = (action) => run({ type: "act", action });
    this.notices.show(
      this.failure && this.failureView(this.failure, snapshot, formats, act),
      this.engineView(snapshot, formats, act),
      this.failure?.error.code !== "CONTEXT_FULL" && compactNotice(snapshot, formats, run),
    );
    const isFixed = snapshot.readOnly !== undefined;
    this.waiting.show(waitingBar(snapshot.acting?.calls ?? [], this.waitingPorts));
    const { attachments, pinnedFiles } = snapshot;
    this.pins.show(
      this.kept.view("pins", [pinnedFiles, isFixed, formats], () =>
        pinnedFilesView(pinnedFiles, isFixed, formats, run),
      ),
    );
    const { editing, size } = this;
    const fit = size && draftFit(size, formats);
    this.composer.render({
      label: `Message to ${snapshot.agent.name}`,
      placeholder: `Ask ${shownName(snapshot.agent.name)} (Shift+Enter for a new line)`,
      blocked: sendBlocked(snapshot),
      mayBeEmpty: isCarrying(attachments),
      above: [
        editing && editingBar(numberOf(editing.turn, snapshot), formats, () => this.cancelEdit()),
        this.kept.view("attached", [attachments, formats], () => draftAttachments(attachments ?? [], formats, run)),
      ],
      tools: [this.files.button(snapshot), toolsButton(snapshot, run), attachButton(snapshot, isFixed, run)],
      target: [draftSizeView(fit), modelButton(snapshot, run)],
      describedBy: draftSizeId,
    });
  }

  /** What a reload of the page must not lose. */
  get memory(): Pick<PageMemory, "draft" | "editing"> {
    return { draft: this.composer.draft, ...(this.editing && { editing: this.editing }) };
  }

  restore({ draft, editing }: Pick<PageMemory, "draft" | "editing">): void {
    this.editing = editing;
    this.composer.draft = draft;
  }

  /** What the host has kept of an earlier panel, unless something is written here. */
  restoreKept({ text, instead }: MessageDraft): void {
    if (this.composer.draft !== "") return;
    this.restore({ draft: text, ...(instead === undefined ? {} : { editing: { turn: instead, aside: "" } }) });
  }

  /** The message of `turn` comes back into the field; what is written there is put aside. */
  edit(turn: TurnId, text: string): void {
    this.editing = { turn, aside: this.editing?.aside ?? this.composer.draft };
    if (this.snapshot?.attachments !== undefined) this.ports.run({ type: "editing", turn });
    this.composer.draft = text;
    this.composer.field.focus();
    this.ports.render();
  }

  /** Ends the editing of an earlier message; false where none is edited. */
  cancelEdit(): boolean {
    if (this.editing === undefined) return false;
    if (this.snapshot?.attachments !== undefined) this.ports.run({ type: "editing" });
    this.endEdit();
    this.composer.field.focus();
    this.ports.render();
    return true;
  }

  /** Only the answer to the draft that was told last counts. */
  measured({ serial, size }: Extract<ChatUpdate, { type: "draftSize" }>): void {
    if (serial === this.serial) this.size = this.composer.draft.trim() === "" ? undefined : size;
  }

  /** What did not fit is said above the field; a message that came back stands before what was written since. */
  takeBack({ message, problem }: Extract<ChatUpdate, { type: "refused" }>): void {
    this.failure = problem;
    if (message) this.putBack(message);
    this.composer.field.focus();
  }

  focusMessage(): void {
    this.composer.field.focus();
  }

  private failureView(failure: Problem, { acting }: ChatSnapshot, formats: Formats, act: RunAction): TreeNode {
    const more = acting && compactButton(failure, this.ports.run);
    return problemView(failure, formats, act, () => this.dismiss(), more);
  }

  private fail(problem: Problem): void {
    this.failure = problem;
    this.ports.render();
  }

  private get waitingPorts(): WaitingBarPorts {
    const { run, showCall } = this.ports;
    return { run, jump: showCall, leave: () => this.composer.field.focus() };
  }

  /** Up leads from an empty message to what waits for the person. */
  private toWaiting(event: KeyboardEvent): boolean {
    return (
      event.key === "ArrowUp" && this.composer.draft === "" && !event.ctrlKey && !event.metaKey && this.focusWaiting()
    );
  }

  /** Gives what waits for the person the focus; false where nothing does. */
  focusWaiting(): boolean {
    const stops = this.waiting.element.querySelectorAll<HTMLElement>("li .tools button:first-child");
    const last = stops[stops.length - 1];
    last?.focus();
    return last !== undefined;
  }

  private engineView({ engine }: ChatSnapshot, formats: Formats, run: RunAction): TreeNode | undefined {
    const { state } = engine;
    const remainingMs =
      state.type === "loading" ? this.eta.remainingMs(state.model, state.done, state.total, Date.now()) : undefined;
    return engineNotice(engine, { formats, run, remainingMs });
  }

  private send(text: string): void {
    const instead = this.editing?.turn;
    const message: MessageDraft = instead === undefined ? { text } : { text, instead };
    if (instead === undefined) this.composer.draft = "";
    else this.endEdit();
    this.told = undefined; // the host has nothing of it any more
    this.ports.sent();
    this.ports.render();
    void this.ports.request({ type: "send", ...message }).then((problem) => {
      this.failure = problem;
      if (problem) this.putBack(message);
      this.ports.render();
    });
  }

  /** Puts a message that could not be sent back into the field, before what was written since. */
  private putBack({ text, instead }: MessageDraft): void {
    const written = this.composer.draft;
    if (instead !== undefined && this.editing === undefined) {
      this.editing = { turn: instead, aside: written };
      this.composer.draft = text;
    } else {
      this.composer.draft = [text, written].filter((part) => part !== "").join("\n");
    }
  }

  private endEdit(): void {
    const aside = this.editing?.aside ?? "";
    this.editing = undefined;
    this.composer.draft = aside;
  }

  /** Puts the failure away; false where there is none. */
  dismiss(): boolean {
    if (this.failure === undefined) return false;
    this.failure = undefined;
    this.composer.field.focus();
    this.ports.render();
    return true;
  }

  private changed(): void {
    this.ports.changed();
    this.files?.mentions.update();
    this.readSoon();
    if (this.composer.draft.trim() !== "" || this.size === undefined) return;
    this.size = undefined;
    this.ports.render();
  }

  private readAhead(): void {
    const { snapshot, editing } = this;
    if (snapshot === undefined || snapshot.readOnly !== undefined) return;
    const { draft } = this.composer;
    const telling = JSON.stringify([draft, editing?.turn]);
    if (telling === this.told) return;
    this.told = telling;
    this.serial += 1;
    void this.ports.request({
      type: "readAhead",
      draft,
      serial: this.serial,
      ...(editing && { instead: editing.turn }),
    });
  }
}

/** The number of a turn in the branch that is shown, from 1. */
function numberOf(turn: TurnId, { turns }: ChatSnapshot): number | undefined {
  return placeOf(turns, turn)?.turn;
}
