import * as vscode from "vscode";
import { commands } from "../contributions";
import { selectedLines } from "../editor/lineLabel";

/** The view of problems has no menu for extensions, but shows what can be done about a problem: it can be added to a chat. */
export class ProblemActions implements vscode.CodeActionProvider {
  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics, only }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const [first] = diagnostics;
    if (first === undefined || (only !== undefined && !only.contains(vscode.CodeActionKind.QuickFix))) return [];
    const { from, to } = selectedLines(
      diagnostics.reduce((all, one) => all.union(one.range), range.union(first.range)),
    );
    const title = diagnostics.length === 1 ? "Add Problem to Chat…" : "Add Problems to Chat…";
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.diagnostics = [...diagnostics];
    action.command = {
      title,
      command: commands.addToChat,
      arguments: [{ problems: `${document.uri.toString()}#L${from}-L${to}` }],
    };
    return [action];
  }
}
