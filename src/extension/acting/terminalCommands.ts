import * as vscode from "vscode";
import type { CommandEnd, CommandRequest, Commands } from "../../acting/ports";
import type { Disposable } from "../../common/disposables";
import { ResidentError } from "../../common/errors";
import type { AgentId } from "../../protocol/service";
import { quietEnvironment, runProcess } from "./processRun";
import { type ShellApi, shellApiOf } from "./shellApi";
import { integrationOf, runInShell } from "./shellRun";
import { ShownProcess } from "./shownProcess";

/** Commands of agents, each in a terminal of its own that stays until the agent's next one. */
export class TerminalCommands implements Commands, Disposable {
  private readonly terminals = new Map<AgentId, vscode.Terminal>();
  private readonly closing: Disposable;

  constructor(
    private readonly nameOf: (agent: AgentId) => string,
    /** Absent where VS Code has no shell integration. */
    private readonly api: ShellApi | undefined = shellApiOf(vscode.window),
  ) {
    this.closing = vscode.window.onDidCloseTerminal((closed) => {
      for (const [agent, terminal] of this.terminals) if (terminal === closed) this.terminals.delete(agent);
    });
  }

  async run(
    { agent, command }: CommandRequest,
    onData: (data: string) => void,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    const folder = folderOfCommands();
    const inShell = await this.runInTerminal(agent, folder, command, onData, signal);
    if (inShell !== undefined) return inShell;
    if (signal.aborted) return {};
    if (folder.scheme !== "file") {
      throw new ResidentError(
        "IO_FAILURE",
        "commands cannot run here: the folder is not on this machine, and its terminal has no shell integration",
        "turn on shell integration for this shell",
      );
    }
    return this.runShown(agent, folder, command, onData, signal);
  }

  dispose(): void {
    this.closing.dispose();
    for (const terminal of this.terminals.values()) terminal.dispose();
  }

  /** `undefined`: the shell has no integration, and nothing was run. */
  private async runInTerminal(
    agent: AgentId,
    folder: vscode.Uri,
    command: string,
    onData: (data: string) => void,
    signal: AbortSignal,
  ): Promise<CommandEnd | undefined> {
    const { api } = this;
    if (api === undefined) return undefined;
    const terminal = this.replace(agent, { cwd: folder, env: { ...quietEnvironment } });
    const integration = await integrationOf(terminal, api, signal);
    if (integration === undefined) {
      terminal.dispose();
      return undefined;
    }
    const onClosed = (listener: () => void) =>
      vscode.window.onDidCloseTerminal((closed) => {
        if (closed === terminal) listener();
      });
    return runInShell({ terminal, integration, command, onClosed }, api, onData, signal);
  }

  /** A process of our own whose output a terminal shows. */
  private async runShown(
    agent: AgentId,
    folder: vscode.Uri,
    command: string,
    onData: (data: string) => void,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    const shown = new ShownProcess(command);
    this.replace(agent, { pty: shown });
    const both = eitherOf(signal, shown.signal);
    const show = (data: string) => {
      shown.write(data);
      onData(data);
    };
    const end = await runProcess({ command, shell: vscode.env.shell || "/bin/sh", cwd: folder.fsPath }, show, both);
    shown.end(end.exitCode);
    return end;
  }

  private replace(
    agent: AgentId,
    options: Partial<vscode.TerminalOptions> | Pick<vscode.ExtensionTerminalOptions, "pty">,
  ): vscode.Terminal {
    this.terminals.get(agent)?.dispose();
    const name = `Resident: ${this.nameOf(agent)}`;
    const iconPath = new vscode.ThemeIcon("hubot");
    const terminal =
      "pty" in options
        ? vscode.window.createTerminal({ name, iconPath, pty: options.pty })
        : vscode.window.createTerminal({ ...options, name, iconPath, isTransient: true });
    this.terminals.set(agent, terminal);
    return terminal;
  }
}

/** The first folder that is on a machine with terminals. In any other a terminal would stand somewhere outside of the workspace. */
function folderOfCommands(): vscode.Uri {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const found = folders.find(({ uri }) => uri.scheme === "file" || uri.scheme === "vscode-remote");
  if (found !== undefined) return found.uri;
  if (folders.length === 0) throw new ResidentError("INVALID_REQUEST", "no folder is open", "open a folder first");
  throw new ResidentError(
    "INVALID_REQUEST",
    "commands cannot run here: the workspace has no folder on a machine with terminals",
    "open a folder of this machine, or of one that VS Code is connected to",
  );
}

/** Aborted when one of them is. */
function eitherOf(...signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) either.abort();
    signal.addEventListener("abort", () => either.abort(), { once: true });
  }
  return either.signal;
}
