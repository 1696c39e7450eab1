import type { Formats } from "../../common/format";

export interface InstructionsState {
  readonly characters: number;
  /** Unknown while the agent's model is not loaded. */
  readonly tokens: number | undefined;
  readonly isDirty: boolean;
  /** Saved, and no message was sent since. */
  readonly isUnread: boolean;
  readonly turns: number;
}

/** The line above the instructions: their length and what saving them does. */
export function instructionsLensText(state: InstructionsState, formats: Formats): string {
  const { characters, tokens, isDirty, isUnread, turns } = state;
  const size = tokens === undefined ? `${formats.count(characters)} characters` : `${formats.count(tokens)} tokens`;
  const effect = turns === 0 ? "" : "the next message reads the whole conversation again";
  if (isDirty) return effect === "" ? `${size} · not saved` : `${size} · not saved: once saved, ${effect}`;
  if (isUnread && effect !== "") return `${size} · saved: ${effect}`;
  return characters === 0 ? "No instructions: write them here and save" : size;
}
