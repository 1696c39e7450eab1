import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { ActionId, PageTurn } from "../../protocol/page";
import type { TurnId } from "../../protocol/service";
import { Answers } from "../shared/answers";
import { Follow } from "../shared/follow";
import { revealFoundText } from "../shared/foundText";
import { oncePerFrame, part } from "../shared/frame";
import type { TurnMark } from "../shared/host";
import { KeptTrees } from "../shared/kept";
import { Slot } from "../shared/slot";
import { TurnStops } from "../shared/turnStops";
import { BranchesView } from "./branches";
import { isBusy } from "./derived";
import { OpenSteps } from "./openSteps";
import { isReadIn } from "./reading";
import { ShownTurns } from "./shownTurns";
import { turnView } from "./turn";
import { TurnList, type TurnListState } from "./turnList";
import { hasOwnWay, wayIds, waysView } from "./ways";

export interface TranscriptPorts {
  readonly run: (command: ChatCommand) => void;
  readonly edit: (turn: PageTurn) => void;
  /** Where the reader is, or which steps are open. */
  readonly changed: () => void;
  /** "New text" brought the reader to the end. */
  readonly jumped: () => void;
}

/** The turns of the conversation, oldest first, and below them its other branches. */
export class Transcript {
  readonly element = part("div", "log", { role: "log", "aria-label": "Conversation", "aria-live": "off" });
  /** Stands over the transcript's end while there is unseen text below. */
  readonly newText = part("button", "btn second small new-text");
  private readonly list = new TurnList(part("div", "turns"));
  private readonly waysSlot = new Slot(part("div", "slot"));
  private readonly branchSlot = new Slot(part("div", "slot"));
  private readonly branches: BranchesView;
  private readonly shown = new ShownTurns();
  private readonly steps = new KeptTrees();
  private readonly openSteps: OpenSteps;
  private readonly stops: TurnStops;
  private readonly answers: Answers;
  private readonly follow: Follow;
  private formats: Formats | undefined;
  private view: TurnListState["view"] | undefined;
  /** The actions that removed a failure's cause, by turn. */
  private readonly done = new Map<TurnId, ReadonlySet<ActionId>>();

  /** `opened`: the turns whose steps a person had opened. */
  constructor(
    private readonly ports: TranscriptPorts,
    opened: readonly TurnId[] = [],
  ) {
    this.openSteps = new OpenSteps(opened);
    this.newText.textContent = "New text";
    this.newText.hidden = true;
    this.answers = new Answers(ports.run);
    this.branches = new BranchesView(ports.run);
    this.stops = new TurnStops(this.list.element);
    const column = part("div", "col");
    column.append(this.stops.start, this.list.element, this.stops.end, this.waysSlot.element, this.branchSlot.element);
    this.element.append(column);
    const { jumped } = ports;
    this.follow = new Follow(this.element, this.newText, { jumped, scrolled: () => this.scrolled() });
    // A focused button that goes away tells no "focusout".
    for (const change of ["focusout", "focusin", "selectionchange"]) document.addEventListener(change, this.left);
    this.element.addEventListener("beforematch", ({ target }) => this.found(target));
    revealFoundText(this.element);
  }

  render(snapshot: ChatSnapshot, formats: Formats): void {
    const turns = this.shown.of(snapshot.turns);
    const { acting, ways } = snapshot;
    const fixed = isBusy(snapshot) || ways !== undefined || snapshot.readOnly !== undefined;
    const view = this.viewIn(formats);
    const isAmongWays = hasOwnWay(ways, turns.at(-1)?.id);
    if (this.list.show({ turns, fixed, acting, isAmongWays, view, steps: this.stepsShown })) {
      const ids = new Set([...snapshot.turns.map(({ id }) => id), ...wayIds(ways)]);
      this.answers.keepOnly(ids);
      this.steps.keepOnly(ids);
      this.openSteps.keepOnly(ids);
      this.stops.listed();
    }
    this.waysSlot.show(waysView(ways, { formats, answers: this.answers, run: this.ports.run }));
    this.branchSlot.show(this.branches.show(snapshot, fixed, formats));
    this.follow.rendered(endOf(snapshot));
  }

  toEnd(): void {
    this.follow.toEnd();
  }

  /** The host did what a button of a turn's failure asks for. An action that removes the cause is not offered again. */
  acted(turn: TurnId, action: ActionId): void {
    if (action !== "growPool") return;
    this.done.set(turn, new Set([...(this.done.get(turn) ?? []), action]));
    this.view = undefined;
  }

  /** Moves the focus to the newest turn. */
  focusLast(): void {
    this.stops.focusLast();
  }

  /** Moves the focus from inside a turn to the turn; false when the focus is not inside one. */
  stepOut(): boolean {
    return this.stops.stepOut();
  }

  /** Shows a call of the newest turn, and gives its question or its line the focus. */
  showCall(call: string): void {
    const row = [...this.list.element.querySelectorAll("[data-call]")].find(
      (one) => one.getAttribute("data-call") === call,
    );
    const stop = row?.querySelector(".approval textarea, .approval button") ?? row?.querySelector("summary");
    if (!(stop instanceof HTMLElement)) return;
    row?.querySelector("details")?.setAttribute("open", "");
    stop.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  /** Puts the text of every turn into the document, for a search. */
  drawAll(): void {
    this.list.drawAll();
  }

  /** The turn at the view's top and how far the view is in it; `undefined` at the end. */
  get place(): TurnMark | undefined {
    const { scrollTop } = this.follow;
    const found = scrollTop === undefined ? undefined : this.list.turnAt(scrollTop);
    return found && scrollTop !== undefined
      ? { turn: found.id, offset: scrollTop - found.element.offsetTop }
      : undefined;
  }

  get opened(): readonly TurnId[] {
    return this.openSteps.all;
  }

  /** Scrolls to where the reader was before a reload; `undefined`: to the end. */
  restore(place: TurnMark | undefined): void {
    const element = place && this.list.elementOf(place.turn);
    this.follow.restore(element && place ? () => element.offsetTop + place.offset : undefined);
  }

  private readonly stepsShown: TurnListState["steps"] = (turn, isHead, now, element) =>
    this.openSteps.of(turn, isHead, now, () => isReadIn(element, this.element, this.follow.scrollTop === undefined));

  private showSteps(turn: TurnId, isOpen: boolean): void {
    this.openSteps.set(turn, isOpen);
    this.follow.keepPlace(() => this.list.elementOf(turn));
    this.ports.changed();
  }

  /** A search has found text in a step that is folded. */
  private found(target: EventTarget | null): void {
    const turn = target instanceof Element && target.matches(".step") ? this.list.turnOf(target) : undefined;
    if (turn !== undefined) this.showSteps(turn, true);
  }

  private scrolled(): void {
    this.ports.changed();
    this.left();
  }

  /** Turns that had to stay as they were while a person read in them are folded when that is over. */
  private readonly left = oncePerFrame(() => {
    for (const turn of this.openSteps.waiting) this.list.elementOf(turn);
  });

  private viewIn(formats: Formats): TurnListState["view"] {
    if (this.view && this.formats === formats) return this.view;
    this.formats = formats;
    const { answers, done, steps: kept } = this;
    const { run, edit } = this.ports;
    kept.clear();
    const context = { formats, answers, kept, run, done: (turn: TurnId) => done.get(turn) };
    this.view = (turn, place) =>
      turnView(turn, place, {
        ...context,
        edit: () => edit(turn.steps[0]),
        showSteps: (isOpen) => this.showSteps(turn.id, isOpen),
      });
    return this.view;
  }
}

/** What the transcript ends with, for "New text". */
function endOf({ turns, acting, ways }: ChatSnapshot): string {
  const shown = [...turns.slice(-1), ...(ways?.ways.map(({ turn }) => turn) ?? [])];
  const said = shown.map(({ id, answer, calls }) => `${id} ${answer.length} ${calls?.length ?? 0}`);
  const doing = acting?.calls.map(({ call, state }) => `${call} ${state}`) ?? [];
  return [...said, ...doing].join(", ");
}
