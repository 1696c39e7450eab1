import * as vscode from "vscode";
import { type SelectionAction, type SelectionChoice, selectionChoices } from "./selectionChoices";

const title = "Generate from Selection";

export interface SelectionWish {
  readonly action: SelectionAction;
  readonly instruction: string;
}

/** Asks what to do with the selection; `undefined` if the person cancels. */
export async function askSelectionWish(languageId: string): Promise<SelectionWish | undefined> {
  const chosen = await pick(languageId);
  if (!chosen?.needsInstruction) return chosen;
  const instruction = await vscode.window.showInputBox({
    title,
    prompt: "The selection is replaced. One undo brings it back.",
    placeHolder: "How should it be rewritten?",
    ignoreFocusOut: true,
    validateInput: (value) => (value.trim() === "" ? "Write what to change." : undefined),
  });
  return instruction === undefined ? undefined : { ...chosen, instruction };
}

/** A list whose entries include what was typed. VS Code filters none of them. */
async function pick(languageId: string): Promise<SelectionChoice | undefined> {
  const list = vscode.window.createQuickPick<SelectionChoice & vscode.QuickPickItem>();
  const show = (typed: string) => {
    list.items = selectionChoices(typed, languageId).map((choice) => ({ ...choice, alwaysShow: true }));
  };
  try {
    return await new Promise((resolve) => {
      list.title = title;
      list.placeholder = "What to do with the selection: choose, or type it";
      list.ignoreFocusOut = true;
      list.onDidChangeValue(show);
      list.onDidAccept(() => resolve(list.activeItems[0]));
      list.onDidHide(() => resolve(undefined));
      show("");
      list.show();
    });
  } finally {
    list.dispose();
  }
}
