import type { TurnId } from "../../protocol/service";
import { lastStep, type ShownTurn } from "./shownTurns";

/** "all": there is no line that folds them. */
export type StepsShown = "all" | "open" | "closed";

/** A turn with more steps than this folds them once it has ended. */
const mostShown = 4;

/** Of the turns that a person opened, the last ones are remembered. */
const mostOpened = 100;

/** Which turns of many steps show all of them, and which only their last one behind a line. */
export class OpenSteps {
  /** By a person or a search; the last one at the end. */
  private readonly opened: Set<TurnId>;
  /** They ended while a person was reading in them. */
  private readonly held = new Set<TurnId>();

  constructor(opened: readonly TurnId[]) {
    this.opened = new Set(opened);
  }

  get all(): readonly TurnId[] {
    return [...this.opened].slice(-mostOpened);
  }

  /**
   * `before` is how the page shows them now, absent: not at all. A turn that ends stays as it is while `isRead` says that a
   * person reads in it.
   */
  of(turn: ShownTurn, isHead: boolean, before: StepsShown | undefined, isRead: () => boolean): StepsShown {
    const { id } = turn;
    this.held.delete(id);
    if (!hasManySteps(turn) || goesOn(turn, isHead)) return "all";
    if (this.opened.has(id)) return "open";
    if (before !== "all" || !isRead()) return "closed";
    this.held.add(id);
    return "all";
  }

  set(id: TurnId, isOpen: boolean): void {
    this.opened.delete(id);
    if (isOpen) this.opened.add(id);
  }

  /** The turns that stay as they are while a person reads in them. */
  get waiting(): readonly TurnId[] {
    return [...this.held];
  }

  keepOnly(ids: ReadonlySet<TurnId>): void {
    for (const id of this.held) if (!ids.has(id)) this.held.delete(id);
  }
}

/** Once it has ended, only its last step is shown at first. */
export function hasManySteps({ steps }: ShownTurn): boolean {
  return steps.length > mostShown;
}

/** An answer runs, or its calls are still to be made. */
function goesOn(turn: ShownTurn, isHead: boolean): boolean {
  const { state, finishReason } = lastStep(turn);
  return state === "running" || (isHead && state === "done" && finishReason === "calls");
}
