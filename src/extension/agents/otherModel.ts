import * as vscode from "vscode";
import { throwIfAborted } from "../../common/errors";
import { createFormats, plural } from "../../common/format";
import { hostOf } from "../../common/modelLabel";
import type { AgentServer, AgentSummary, ListedModel, ResidentService } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import { withCancel } from "../commands/progress";
import { commands, settings } from "../contributions";
import { modelChoice } from "../engine/modelChoices";
import { readSetting } from "../engine/settingsReader";
import { moveDetail, serverModelRow } from "../servers/serverTexts";

/** What an agent may go on with. */
type Chosen =
  | { readonly type: "folder"; readonly directory: string; readonly name: string }
  | { readonly type: "server"; readonly server: AgentServer };

/**
 * Lets the agent go on with another model. With a server, or back with the folder whose tokens it has, it is the same agent;
 * with another folder it is a copy. Arguments: model (a directory), or server and serverModel; name (of a copy). A person is told
 * how many tokens are read first.
 */
export async function useOtherModel(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  freeName: (wanted: string) => Promise<string>,
): Promise<AgentSummary | undefined> {
  const said = argumentOf(argument);
  const chosen = said ?? (await ask(door, agent));
  if (chosen === undefined) return undefined;
  if (chosen.type === "server") {
    if (said === undefined && !(await isSureOfServer(agent, chosen.server))) return undefined;
    return door.useServer(agent.id, chosen.server);
  }
  const { directory, name } = chosen;
  if (staysItself(agent, directory)) {
    if (said === undefined && !(await isSureOfFolder(agent, door, directory, name))) return undefined;
    return door.useFolder(agent.id, directory);
  }
  const copy = textField(argument, "name") ?? (await freeName(agent.name));
  if (said === undefined && !(await isSureOfFolder(agent, door, directory, name, copy))) return undefined;
  return door.copyWithModel(agent.id, copy, directory);
}

/** A server has no tokens of its own: such an agent may go back to its folder, or to any where it never had one. */
function staysItself({ server, modelDirectory }: AgentSummary, directory: string): boolean {
  return server !== undefined && (modelDirectory === "" || modelDirectory === directory);
}

function argumentOf(argument: unknown): Chosen | undefined {
  const address = textField(argument, "server");
  if (address !== undefined) {
    return { type: "server", server: { address, model: textField(argument, "serverModel") ?? "" } };
  }
  const directory = textField(argument, "model");
  return directory === undefined ? undefined : { type: "folder", directory, name: directory };
}

interface Item extends vscode.QuickPickItem {
  readonly choose?: () => Promise<Chosen | undefined>;
}

async function ask(door: ResidentService, agent: AgentSummary): Promise<Chosen | undefined> {
  const formats = createFormats(vscode.env.language);
  const isNow = (server: AgentServer) =>
    server.address === agent.server?.address && server.model === agent.server.model;
  const folders = (await door.listModels()).filter(
    ({ problem, directory }) => !problem && (agent.server !== undefined || directory !== agent.modelDirectory),
  );
  const chosenFolder = readSetting(settings.modelDefault);
  const servers = (await door.listServers()).flatMap((server) =>
    server.models
      .map((model) => ({ model, choice: { address: server.address, model: model.name } }))
      .filter(({ choice }) => !isNow(choice))
      .map(({ model, choice }): Item => {
        return { ...serverModelRow(server, model, formats), choose: async () => ({ type: "server", server: choice }) };
      }),
  );
  const items: Item[] = [
    ...folders.map(
      (model): Item => ({ ...modelChoice(model, chosenFolder, formats), choose: async () => folderOf(model) }),
    ),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    ...servers,
    {
      label: "$(plug) Connect to a Server…",
      detail: "llama-server, mlx_lm.server, vLLM, LM Studio, Ollama …",
      choose: async () => {
        const server: unknown = await vscode.commands.executeCommand(commands.connectServer);
        return isServer(server) ? { type: "server", server } : undefined;
      },
    },
  ];
  const title = `Use Another Model: ${agent.name}`;
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: "Model", matchOnDescription: true });
  return picked?.choose?.();
}

function folderOf({ directory, name }: ListedModel): Chosen {
  return { type: "folder", directory, name };
}

function isServer(value: unknown): value is AgentServer {
  return typeof value === "object" && value !== null && "address" in value && "model" in value;
}

async function isSureOfServer(agent: AgentSummary, { address, model }: AgentServer): Promise<boolean> {
  const host = hostOf(address);
  const detail = moveDetail(agent.tokens, host, createFormats(vscode.env.language));
  return isConfirmed(`Let ${model} on ${host} answer ${agent.name}?`, detail, "Use It");
}

/** `copy`: the name of the copy; absent: the agent itself goes on. */
async function isSureOfFolder(
  agent: AgentSummary,
  door: ResidentService,
  directory: string,
  model: string,
  copy?: string,
): Promise<boolean> {
  const formats = createFormats(vscode.env.language);
  const { tokens, contextTokens } = await withCancel("Resident: Counting tokens", async (_, signal) => {
    const size = await door.measureWithModel(agent.id, directory);
    throwIfAborted(signal); // a person who has cancelled is asked nothing
    return size;
  });
  const read = `${plural(tokens, "token", formats)} of the conversation`;
  const room = tokens < contextTokens ? "" : ` They do not fit: its context has ${formats.count(contextTokens)}.`;
  const asked = `Go on with ${model}?`;
  if (copy === undefined) {
    const known = "Those that are in its cache on disk are restored, the others are read with the next message.";
    return isConfirmed(asked, `The conversation has ${plural(tokens, "token", formats)}. ${known}${room}`, "Use It");
  }
  const detail = `${read} will be read with the next message, because tokens belong to one model.${room} The copy is called ${copy}. ${agent.name} stays as it is, with its cache.`;
  return isConfirmed(asked, detail, "Make a Copy");
}

async function isConfirmed(title: string, detail: string, go: string): Promise<boolean> {
  return (await vscode.window.showInformationMessage(title, { modal: true, detail }, go)) === go;
}
