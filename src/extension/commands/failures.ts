import * as vscode from "vscode";
import { type ErrorInfo, toErrorInfo } from "../../common/errors";
import type { Log } from "../../common/log";
import { type ActionTarget, actionCommand, agentTarget, poolTarget } from "./actionCommands";
import { type ProblemContext, problemOf, problemSentences } from "./errorText";

/** Shows failures as notifications with their buttons, and logs them. */
export class Failures {
  constructor(private readonly log: Log) {}

  /** Does not wait for the person: the promise of the buttons is its own. Cancellation is not a failure. */
  show(error: unknown, context: ProblemContext & { readonly target?: ActionTarget } = {}): ErrorInfo {
    const info = toErrorInfo(error);
    if (info.code === "ABORTED") return info;
    this.note(error);
    const problem = problemOf(info, { ...context, language: context.language ?? vscode.env.language });
    const target = { ...agentTarget(info.facts), ...context.target, ...poolTarget(info.facts) };
    const shown = vscode.window.showErrorMessage(
      problemSentences(problem),
      ...problem.actions.map(({ label }) => label),
    );
    shown.then((label) => {
      const chosen = problem.actions.find((action) => action.label === label);
      if (chosen) runAction(chosen.id, target);
    });
    return info;
  }

  /** Logs only: where a page shows the failure itself. */
  note(error: unknown): void {
    const info = toErrorInfo(error);
    if (info.code === "ABORTED") return;
    const detail = error instanceof Error && info.code === "INTERNAL" ? `\n${error.stack ?? ""}` : "";
    this.log.log("error", `${info.code}: ${info.what}: ${info.advice}${detail}`);
  }
}

export function runAction(id: Parameters<typeof actionCommand>[0], target: ActionTarget): Thenable<unknown> {
  const { command, argument } = actionCommand(id, target);
  return vscode.commands.executeCommand(command, argument);
}
