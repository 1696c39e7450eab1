import type { Formats } from "../../common/format";

export interface InstructionsState {
  readonly characters: number;
  /** Unknown while the agent's model is not loaded. */
  readonly tokens: number | undefined;
  readonly isDirty: boolean;
  /** They were saved, and the next message is the first one that they are read with. */
  readonly isUnread: boolean;
  readonly turns: number;
}

/** The line above the instructions: how long they are, and what becomes of them. */
export function instructionsLensText(state: InstructionsState, formats: Formats): string {
  const { characters, tokens, isDirty, isUnread, turns } = state;
  const size = tokens === undefined ? `${formats.count(characters)} characters` : `${formats.count(tokens)} tokens`;
  const effect = turns === 0 ? "" : "the next message reads the whole conversation again";
  if (isDirty) return effect === "" ? `${size} · not saved` : `${size} · not saved: once saved, ${effect}`;
  if (isUnread && effect !== "") return `${size} · saved: ${effect}`;
  return characters === 0 ? "No instructions: write them here and save" : size;
}
