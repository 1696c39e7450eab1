import type { ActingState } from "../../protocol/acting";
import type { PageTurn } from "../../protocol/page";
import { part } from "../shared/frame";
import { Slices } from "../shared/slices";
import { RootSlot } from "../shared/slot";
import type { TreeNode } from "../shared/tree";
import { hasManySteps, type StepsShown } from "./openSteps";
import { lastStep, type ShownTurn } from "./shownTurns";
import type { TurnPlace } from "./turn";

export interface TurnListState {
  readonly turns: readonly ShownTurn[];
  readonly fixed: boolean;
  /** Of the head: what the agent does in the workspace. */
  readonly acting?: ActingState | undefined;
  /** The answer at the head stands elsewhere, among others to choose from. */
  readonly isAmongWays: boolean;
  /** Which steps of a turn are shown, by how they are now. It may be another answer each time. */
  readonly steps: (turn: ShownTurn, isHead: boolean, now: StepsShown | undefined, element: Element) => StepsShown;
  /** A new function makes every turn anew. */
  readonly view: (turn: ShownTurn, place: TurnPlace) => TreeNode;
}

interface Drawing extends TurnPlace {
  readonly steps: StepsShown;
  readonly turn: ShownTurn;
  readonly view: TurnListState["view"];
}

interface Item {
  readonly element: HTMLElement;
  readonly slot: RootSlot;
  index: number;
  turn: ShownTurn;
  /** What the element shows; absent while it is empty. */
  drawn?: Drawing;
}

/** Height of the newest turns that are drawn at once, by the guess of their heights. */
const firstScreenPx = 1500;

/**
 * The turns as elements. A turn that did not change costs one comparison. The newest turns are drawn at once, a turn that
 * comes near the view is drawn then, and the others are drawn while the page is idle: a search finds them, but they are
 * not laid out.
 */
export class TurnList {
  private items: readonly Item[] = [];
  private state: TurnListState | undefined;
  private readonly byElement = new Map<Element, Item>();
  /** The turns that the browser reports as near the view. */
  private readonly near = new Set<Item>();
  /** To be drawn while the page is idle, the newest first. */
  private readonly waiting = new Set<Item>();
  private readonly slices = new Slices(() => this.drawNext());

  constructor(readonly element: HTMLElement) {
    element.addEventListener("contentvisibilityautostatechange", (event) => this.nearChanged(event));
  }

  /** True when turns came or went. */
  show(state: TurnListState): boolean {
    const before = this.state;
    this.state = state;
    const listed = this.take(state.turns);
    if (listed) this.list(state.turns);
    const last = this.items.at(-1);
    const isHeadChanged = before?.acting !== state.acting || before?.isAmongWays !== state.isAmongWays;
    if (last && isHeadChanged) this.draw(last);
    const anew = before !== undefined && before.view !== state.view;
    if (anew) this.drawLater(this.items);
    if (anew || listed || before?.fixed !== state.fixed) for (const item of this.near) this.draw(item);
    return listed;
  }

  /** Draws all turns that are not drawn yet, so that the document has the text of every turn. */
  drawAll(): void {
    while (this.drawNext());
  }

  /** The element of a turn, drawn as it is to be now. */
  elementOf(id: string): HTMLElement | undefined {
    const item = this.items.find(({ turn }) => turn.id === id);
    if (item) this.draw(item);
    return item?.element;
  }

  /** The turn that has this element. */
  turnOf(element: Element): string | undefined {
    const article = element.closest("article");
    return article ? this.byElement.get(article)?.turn.id : undefined;
  }

  /** The first turn that ends below `top`, measured from the list's offset parent. */
  turnAt(top: number): { readonly id: string; readonly element: HTMLElement } | undefined {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const element = this.items[middle]?.element;
      if (element && element.offsetTop + element.offsetHeight <= top) low = middle + 1;
      else high = middle;
    }
    const item = this.items[low];
    return item && { id: item.turn.id, element: item.element };
  }

  /** Redraws turns that changed but kept their place. True when turns also came, went or moved. */
  private take(turns: readonly ShownTurn[]): boolean {
    let listed = turns.length !== this.items.length;
    turns.forEach((turn, index) => {
      const item = this.items[index];
      if (item?.turn === turn) return;
      if (item?.turn.id !== turn.id) listed = true;
      else {
        item.turn = turn;
        if (item.drawn) this.draw(item);
      }
    });
    return listed;
  }

  private list(turns: readonly ShownTurn[]): void {
    const known = new Map(this.items.map((item) => [item.turn.id, item]));
    this.items = turns.map((turn, index) => {
      const item = known.get(turn.id) ?? this.newItem(turn);
      known.delete(turn.id);
      return Object.assign(item, { turn, index });
    });
    for (const item of known.values()) this.remove(item);
    let at = this.element.firstElementChild;
    for (const { element } of this.items) {
      if (element === at) at = at.nextElementSibling;
      else this.element.insertBefore(element, at);
    }
    this.drawEnd();
  }

  private newItem(turn: ShownTurn): Item {
    const element = part("article", "turn");
    element.tabIndex = -1;
    element.style.setProperty("--guess", `${guessedHeightPx(turn)}px`);
    const slot = new RootSlot(element, ["aria-label", "aria-busy"]);
    const item = { element, slot, turn, index: 0 };
    this.byElement.set(element, item);
    return item;
  }

  private remove(item: Item): void {
    item.element.remove();
    this.byElement.delete(item.element);
    this.near.delete(item);
    this.waiting.delete(item);
  }

  /** Draws the newest turns now and queues the others. */
  private drawEnd(): void {
    let heightPx = 0;
    const changed: Item[] = [];
    for (const item of [...this.items].reverse()) {
      heightPx += guessedHeightPx(item.turn);
      if (heightPx < firstScreenPx || item.index === this.items.length - 1) this.draw(item);
      else if (item.drawn?.turn !== item.turn) changed.push(item);
    }
    this.drawLater(changed);
  }

  private drawLater(items: readonly Item[]): void {
    for (const item of items) this.waiting.add(item);
    if (this.waiting.size > 0) this.slices.request();
  }

  private drawNext(): boolean {
    const [item] = this.waiting;
    if (item) this.draw(item);
    return this.waiting.size > 0;
  }

  private draw(item: Item): void {
    const { state } = this;
    if (!state) return;
    this.waiting.delete(item);
    const { turn, index, drawn, element } = item;
    const isHead = index === this.items.length - 1;
    const next: Drawing = {
      turn,
      view: state.view,
      number: index + 1,
      isHead,
      fixed: state.fixed,
      acting: isHead ? state.acting : undefined,
      isAmongWays: isHead && state.isAmongWays,
      steps: state.steps(turn, isHead, drawn?.steps, element),
    };
    if (drawn && sameDrawing(drawn, next)) return;
    item.slot.show(state.view(turn, next));
    item.drawn = next;
  }

  private nearChanged(event: Event): void {
    const item = event.target instanceof Element ? this.byElement.get(event.target) : undefined;
    if (!item) return;
    if ("skipped" in event && event.skipped === true) this.near.delete(item);
    else {
      this.near.add(item);
      this.draw(item);
    }
  }
}

function sameDrawing(one: Drawing, other: Drawing): boolean {
  return (
    one.turn === other.turn &&
    one.view === other.view &&
    one.number === other.number &&
    one.isHead === other.isHead &&
    one.fixed === other.fixed &&
    one.acting === other.acting &&
    one.isAmongWays === other.isAmongWays &&
    one.steps === other.steps
  );
}

/** Of a line with a call, and of what stands around a further step. */
const callPx = 32;
const stepPx = 22;

/** The height of a turn that was never laid out. It is good enough for the scroll bar, and needs no measurement. */
function guessedHeightPx(turn: ShownTurn): number {
  const { steps } = turn;
  const isFolded = hasManySteps(turn);
  const shown: readonly PageTurn[] = isFolded ? [lastStep(turn)] : steps;
  let px = 90 + steps[0].user.length / 4 + (isFolded ? callPx : (steps.length - 1) * stepPx);
  for (const { answer, calls = [] } of shown) px += answer.length / 4 + calls.length * callPx;
  return Math.round(px);
}
