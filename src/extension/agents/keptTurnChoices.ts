import type { TurnView } from "../../protocol/service";
import { oneLine } from "./oneLine";

export interface KeptTurnsChoice {
  readonly turns: number;
  /** About as many tokens are read anew: those of the kept turns, of the instructions a few more. */
  readonly tokens: number;
  readonly firstMessage: string;
}

/** Keeping 1, 2, 3 … of the answered turns, as long as something is left out. */
export function keptTurnChoices(turns: readonly TurnView[]): readonly KeptTurnsChoice[] {
  const answered = turns.filter((turn) => turn.state !== "failed" || turn.answer !== "");
  const endOf = (turn: TurnView | undefined) =>
    turn?.figures === undefined ? 0 : turn.figures.promptTokens + turn.figures.generatedTokens;
  const end = Math.max(0, ...answered.map(endOf));
  return answered.slice(1).map((_, index) => {
    const kept = index + 1;
    const first = answered[answered.length - kept];
    const before = answered[answered.length - kept - 1];
    return { turns: kept, tokens: Math.max(0, end - endOf(before)), firstMessage: oneLine(first?.user ?? "") };
  });
}
