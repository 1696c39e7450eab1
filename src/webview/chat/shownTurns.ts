import type { PageTurn } from "../../protocol/page";
import type { ResultView, TurnId } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";

/** What the calls of a step gave, and the node that goes on with it. */
export interface GivenResults {
  readonly by: TurnId;
  readonly results: readonly ResultView[];
}

/** A turn as a person sees it: its message, and one or more steps. */
export interface ShownTurn {
  /** Of its first step. */
  readonly id: TurnId;
  readonly steps: readonly [PageTurn, ...PageTurn[]];
  /** The results for the calls of its last step, where the message after it brought some. */
  readonly after?: GivenResults | undefined;
}

export function resultsIn(next: PageTurn | undefined): GivenResults | undefined {
  return next?.results && { by: next.id, results: next.results };
}

export function lastStep({ steps }: ShownTurn): PageTurn {
  return steps.at(-1) ?? steps[0];
}

/** Puts the nodes of a branch together. A turn of which nothing changed stays the same object. */
export class ShownTurns {
  private nodes: readonly PageTurn[] = [];
  private turns: readonly ShownTurn[] = [];

  of(nodes: readonly PageTurn[]): readonly ShownTurn[] {
    if (nodes === this.nodes) return this.turns;
    const before = this.turns;
    const groups = turnsOf(nodes);
    this.nodes = nodes;
    this.turns = groups.map((steps, index) => {
      const turn: ShownTurn = { id: steps[0].id, steps, after: resultsIn(groups[index + 1]?.[0]) };
      const known = before[index];
      return known !== undefined && isSame(known, turn) ? known : turn;
    });
    return this.turns;
  }
}

function isSame(one: ShownTurn, other: ShownTurn): boolean {
  return (
    one.steps.length === other.steps.length &&
    one.after?.by === other.after?.by &&
    one.after?.results === other.after?.results &&
    one.steps.every((step, index) => step === other.steps[index])
  );
}
