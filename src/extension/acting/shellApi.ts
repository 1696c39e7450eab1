/**
 * VS Code's API for shells in its terminals, as far as it is used here: final since 1.93. `engines.vscode` and @types/vscode
 * are older, so its shapes are declared here, and it is looked for before it is used.
 */
import type { Terminal, Uri } from "vscode";
import type { Disposable } from "../../common/disposables";

export interface ShellExecution {
  /** What it prints, with escapes; ends with the command. */
  read(): AsyncIterable<string>;
}

export interface ShellIntegration {
  readonly cwd?: Uri;
  executeCommand(line: string): ShellExecution;
}

export interface ShellEnd {
  readonly execution: ShellExecution;
  /** `undefined`: the shell did not tell. */
  readonly exitCode: number | undefined;
}

export interface ShellApi {
  onDidChangeIntegration(listener: (terminal: Terminal, integration: ShellIntegration) => void): Disposable;
  onDidEnd(listener: (end: ShellEnd) => void): Disposable;
  integrationOf(terminal: Terminal): ShellIntegration | undefined;
}

type Subscribe = (listener: (event: unknown) => void) => Disposable;

/** `window` is that of the `vscode` module; `undefined`: it has no such API. */
export function shellApiOf(window: object): ShellApi | undefined {
  const changed = subscribeOf(window, "onDidChangeTerminalShellIntegration");
  const ended = subscribeOf(window, "onDidEndTerminalShellExecution");
  if (changed === undefined || ended === undefined) return undefined;
  return {
    onDidChangeIntegration: (listener) =>
      changed((event) => {
        if (isChange(event)) listener(event.terminal, event.shellIntegration);
      }),
    onDidEnd: (listener) =>
      ended((event) => {
        if (isEnd(event)) listener(event);
      }),
    integrationOf: (terminal) => {
      const integration: unknown = Reflect.get(terminal, "shellIntegration");
      return isIntegration(integration) ? integration : undefined;
    },
  };
}

function subscribeOf(window: object, name: string): Subscribe | undefined {
  const subscribe: unknown = Reflect.get(window, name);
  return isSubscribe(subscribe) ? subscribe : undefined;
}

function isSubscribe(value: unknown): value is Subscribe {
  return typeof value === "function";
}

function isIntegration(value: unknown): value is ShellIntegration {
  return typeof value === "object" && value !== null && "executeCommand" in value;
}

function isChange(
  event: unknown,
): event is { readonly terminal: Terminal; readonly shellIntegration: ShellIntegration } {
  return typeof event === "object" && event !== null && "terminal" in event && "shellIntegration" in event;
}

function isEnd(event: unknown): event is ShellEnd {
  return typeof event === "object" && event !== null && "execution" in event && "exitCode" in event;
}
