import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { AgentDetail } from "../../protocol/service";
import type { AgentPicker } from "../agents/agentPicker";
import { flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { conversationMarkdown } from "./conversationMarkdown";

export interface ConversationPorts {
  readonly service: Pick<ServiceHandle, "get">;
  readonly picker: AgentPicker;
}

/** Commands that copy and export the whole conversation of an agent. Both take `{ agent }` and return the text. */
export function registerConversationCommands(registry: CommandRegistry, ports: ConversationPorts): Disposable {
  const store = new DisposableStore();
  store.add(registry.register(commands.copyConversation, (argument) => copy(argument, ports)));
  store.add(registry.register(commands.exportConversation, (argument) => exportFile(argument, ports)));
  return store;
}

/** Argument: figures. */
async function copy(argument: unknown, ports: ConversationPorts): Promise<string | undefined> {
  const detail = await conversation(argument, "Copy Conversation", ports);
  if (detail === undefined) return undefined;
  const text = markdown(detail, flagField(argument, "figures"));
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage(`The conversation with ${detail.name} is copied.`, 4000);
  return text;
}

/** Arguments: path (does not ask), withoutFigures. */
async function exportFile(argument: unknown, ports: ConversationPorts): Promise<string | undefined> {
  const detail = await conversation(argument, "Export Conversation", ports);
  if (detail === undefined) return undefined;
  const path = textField(argument, "path");
  const target =
    path === undefined
      ? await vscode.window.showSaveDialog({
          title: `Export the Conversation with ${detail.name}`,
          filters: { Markdown: ["md"] },
          defaultUri: proposedFile(detail.name),
        })
      : vscode.Uri.file(path);
  if (target === undefined) return undefined;
  const text = markdown(detail, !flagField(argument, "withoutFigures"));
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  void vscode.window
    .showInformationMessage(
      `The conversation with ${detail.name} is saved as ${target.path.split("/").at(-1)}.`,
      "Open",
    )
    .then((open) => open && vscode.window.showTextDocument(target));
  return text;
}

async function conversation(
  argument: unknown,
  title: string,
  { service, picker }: ConversationPorts,
): Promise<AgentDetail | undefined> {
  const door = await service.get();
  const agent = await picker.resolve(door, argument, title);
  const detail = agent && (await door.getAgent(agent.id));
  if (detail?.turns.length === 0) {
    throw new InvalidRequestError(`"${detail.name}" has no turns yet`, "send a message first");
  }
  return detail;
}

function markdown(detail: AgentDetail, figures: boolean): string {
  return conversationMarkdown(detail, { formats: createFormats(vscode.env.language), figures });
}

/** In the first workspace folder where there is one, under the agent's name without what file systems refuse. */
function proposedFile(name: string): vscode.Uri {
  const file = `${
    name
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .slice(0, 80) || "conversation"
  }.md`;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  return folder === undefined ? vscode.Uri.file(file) : vscode.Uri.joinPath(folder, file);
}
