import type { TurnView } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";
import { oneLine } from "./oneLine";

export interface KeptTurnsChoice {
  readonly turns: number;
  /** Estimate of the tokens that are read again: those of the kept turns. The instructions add a few. */
  readonly tokens: number;
  readonly firstMessage: string;
}

/** Choices to keep 1, 2, 3 … of the answered turns, but not all of them. A turn is kept with all its steps. */
export function keptTurnChoices(turns: readonly TurnView[]): readonly KeptTurnsChoice[] {
  const answered = turnsOf(
    turns.filter((turn) => turn.state !== "failed" || turn.answer !== "" || turn.calls !== undefined),
  );
  const endOf = (steps: readonly TurnView[] | undefined) => {
    const figures = steps?.at(-1)?.figures;
    return figures === undefined ? 0 : figures.promptTokens + figures.generatedTokens;
  };
  const end = Math.max(0, ...answered.map(endOf));
  return answered.slice(1).map((_, index) => {
    const kept = index + 1;
    const first = answered[answered.length - kept];
    const before = answered[answered.length - kept - 1];
    return { turns: kept, tokens: Math.max(0, end - endOf(before)), firstMessage: oneLine(first?.[0].user ?? "") };
  });
}
