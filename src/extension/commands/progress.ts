import * as vscode from "vscode";
import type { Progress } from "../../protocol/service";
import { progressSteps } from "./progressText";

/** A long job with a bar and Cancel: a cancelled one rejects with ABORTED, which is shown to nobody. */
export function withJobProgress<T>(
  title: string,
  job: (onProgress: (progress: Progress) => void, signal: AbortSignal) => Promise<T>,
): Thenable<T> {
  return withCancel(title, (report, signal) => {
    const step = progressSteps();
    return job((progress) => report.report(step(progress)), signal);
  });
}

export function withCancel<T>(
  title: string,
  work: (report: vscode.Progress<{ message?: string; increment?: number }>, signal: AbortSignal) => Promise<T>,
): Thenable<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (report, token) => {
    const abort = new AbortController();
    const listening = token.onCancellationRequested(() => abort.abort());
    try {
      return await work(report, abort.signal);
    } finally {
      listening.dispose();
    }
  });
}
