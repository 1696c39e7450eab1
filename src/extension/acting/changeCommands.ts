import * as vscode from "vscode";
import { InvalidRequestError } from "../../common/errors";
import { type ChangeSide, changeOf } from "./changeFiles";

/** The change that a command of the diff editor is about: its argument is the editor's resource, or there is none. */
export function changeAtHand(argument: unknown): ChangeSide {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const shown = input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
  const change = changeOf(argument instanceof vscode.Uri ? argument : (shown ?? vscode.Uri.parse("none:")));
  if (change !== undefined) return change;
  throw new InvalidRequestError("no change of an agent is shown", "open its diff first, or review what waits");
}
