import * as vscode from "vscode";
import type { TokenOf } from "./hostTools";

/** VS Code's token for a signal: dispose it when the work has ended. */
export const tokenOf: TokenOf = (signal) => {
  const source = new vscode.CancellationTokenSource();
  const cancel = () => source.cancel();
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  return {
    token: source.token,
    dispose: () => {
      signal.removeEventListener("abort", cancel);
      source.dispose();
    },
  };
};
