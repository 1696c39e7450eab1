import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { ErrorInfo } from "../../src/common/errors";
import type { AskResult } from "../../src/extension/agents/agentCommands";
import { type CommandId, chatPanelType, commands } from "../../src/extension/contributions";
import type { AgentSummary } from "../../src/protocol/service";

export const extensionId = "resident.resident";

/** Short answers, always the same ones. */
export const briefly = { maxTokens: 6, temperature: 0 };

/** Runs a command as a keybinding would; what it returns is plain data. A failure that it reported fails the test. */
export async function run<T>(id: CommandId, argument?: object): Promise<T> {
  const result = await vscode.commands.executeCommand<T | { readonly error: ErrorInfo } | undefined>(id, argument);
  assert(result !== undefined, `${id} returned nothing`);
  if (isFailure(result)) assert.fail(`${id}: ${result.error.code}: ${result.error.what}`);
  return result;
}

/** Runs a command that must fail, and returns how. */
export async function runRefused(id: CommandId, argument?: object): Promise<ErrorInfo> {
  const result = await vscode.commands.executeCommand<unknown>(id, argument);
  assert(isFailure(result), `${id} was not refused: ${JSON.stringify(result)}`);
  return result.error;
}

function isFailure(value: unknown): value is { readonly error: ErrorInfo } {
  return typeof value === "object" && value !== null && "error" in value;
}

export function newAgent(name: string, more: object = {}): Promise<AgentSummary> {
  return run<AgentSummary>(commands.newAgent, { name, background: true, ...more });
}

export function ask(agent: string, text: string, more: object = {}): Promise<AskResult> {
  return run<AskResult>(commands.askAgent, { agent, text, background: true, ...briefly, ...more });
}

/** The tabs of open chat panels, by title. VS Code puts a prefix of its own before the panel's type. */
export function chatTabs(): readonly string[] {
  return vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter((tab) => tab.input instanceof vscode.TabInputWebview && tab.input.viewType.endsWith(chatPanelType))
    .map((tab) => tab.label);
}

/** Waits for what has no event to wait for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`still not so after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function openDocument(content: string, language = "plaintext"): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument({ content, language });
  const editor = await vscode.window.showTextDocument(document);
  const end = document.positionAt(content.length);
  editor.selection = new vscode.Selection(end, end);
  return editor;
}

export async function closeEditors(): Promise<void> {
  while (vscode.window.activeTextEditor) {
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  }
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  // Their names are given again, and one that is late in going would be taken for the new one of its name.
  const isUntitled = ({ uri }: vscode.TextDocument) => uri.scheme === "untitled";
  await until("documents that were never saved are gone", () => !vscode.workspace.textDocuments.some(isUntitled));
}
