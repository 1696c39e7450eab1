import * as vscode from "vscode";
import type { PendingApprovals } from "../../acting/approvals";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { createFormats, plural } from "../../common/format";
import { commands, contextKeys } from "../contributions";

/** An entry in the status bar while something waits for the person, and the context key of the same meaning. */
export function showWaiting(approvals: Pick<PendingApprovals, "onChange" | "questions">): Disposable {
  const store = new DisposableStore();
  const item = store.add(vscode.window.createStatusBarItem("resident.waiting", vscode.StatusBarAlignment.Right, 1));
  item.name = "Resident: What Waits";
  item.command = commands.reviewWaiting;
  item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
  let isShown = false;
  const show = () => {
    const { questions } = approvals;
    const isWaiting = questions.length > 0;
    if (isWaiting !== isShown) void vscode.commands.executeCommand("setContext", contextKeys.waiting, isWaiting);
    isShown = isWaiting;
    if (!isWaiting) return item.hide();
    const count = plural(questions.length, "question", createFormats(vscode.env.language));
    item.text = `$(bell-dot) ${questions.length}`;
    item.tooltip = `Resident: ${count} of your agents ${questions.length === 1 ? "waits" : "wait"} for you`;
    item.accessibilityInformation = { label: item.tooltip };
    return item.show();
  };
  store.add(approvals.onChange(show));
  return store;
}
