import type { GenerateAction } from "./generatePrompt";
import { isProse } from "./languages";

export type SelectionAction = Exclude<GenerateAction, "insert">;

/** One action on a selection. */
export interface SelectionChoice {
  readonly label: string;
  readonly description: string;
  /** What was typed. Not in the label: VS Code would sort the choices by it. */
  readonly detail?: string;
  readonly action: SelectionAction;
  readonly instruction: string;
  /** The person is asked for the instruction. */
  readonly needsInstruction: boolean;
}

/** The choices after `typed` was typed. */
export function selectionChoices(typed: string, languageId: string): readonly SelectionChoice[] {
  const instruction = typed.trim();
  if (instruction !== "") {
    const choice = { instruction, detail: instruction, needsInstruction: false };
    return [
      { label: "Rewrite", description: "replaces the selection", action: "rewrite", ...choice },
      { label: "Continue", description: "writes after the selection", action: "continue", ...choice },
    ];
  }
  const choices: readonly SelectionChoice[] = [
    {
      label: "Continue",
      description: "writes after the selection",
      action: "continue",
      instruction: "",
      needsInstruction: false,
    },
    {
      label: "Rewrite…",
      description: "replaces the selection",
      action: "rewrite",
      instruction: "",
      needsInstruction: true,
    },
    {
      label: "Explain as a Comment",
      description: "writes above the selection",
      action: "explain",
      instruction: "",
      needsInstruction: false,
    },
  ];
  return isProse(languageId) ? choices.filter(({ action }) => action !== "explain") : choices;
}
