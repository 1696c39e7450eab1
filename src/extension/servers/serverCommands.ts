import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { createFormats } from "../../common/format";
import { isBeyondLoopback, parseServerAddress } from "../../common/serverAddress";
import type { AgentServer, ConnectedServer, ResidentService } from "../../protocol/service";
import { flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { sentence } from "../commands/errorText";
import { withCancel } from "../commands/progress";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { ServerKeys } from "./serverKeys";
import { consentQuestion, serverModelRow, serverRow } from "./serverTexts";

/** Each asks a person for what its argument does not say. */
export function registerServerCommands(
  registry: CommandRegistry,
  service: ServiceHandle,
  keys: ServerKeys,
): Disposable {
  const store = new DisposableStore();
  store.add(
    registry.register(commands.connectServer, async (argument) => connectServer(await service.get(), keys, argument)),
  );
  store.add(
    registry.register(commands.forgetServer, async (argument) => forgetServer(await service.get(), keys, argument)),
  );
  return store;
}

/**
 * Arguments: address, key, consent (true: conversations may leave this machine for it), model. Returns the server and the
 * model that answered a short question; `undefined` when the person changed their mind.
 */
async function connectServer(
  door: ResidentService,
  keys: ServerKeys,
  argument: unknown,
): Promise<AgentServer | undefined> {
  const said = textField(argument, "address");
  const written = said ?? (await askAddress());
  if (written === undefined) return undefined;
  const { url: address } = parseServerAddress(written);
  const mayLeave = flagField(argument, "consent") || (await isAllowed(door, address));
  if (!mayLeave) return undefined;
  const server = await connected(door, keys, { address, mayLeave }, textField(argument, "key"), said === undefined);
  if (server === undefined) return undefined;
  const model = textField(argument, "model") ?? (await askModel(server));
  if (model === undefined) return undefined;
  const chosen = { address: server.address, model };
  const { ms } = await withCancel(`Resident: Asking ${model} on ${server.host}`, (_, signal) =>
    door.tryServer(chosen, signal),
  );
  if (said === undefined) offerAgent(server, chosen, ms);
  return chosen;
}

/** Nothing was sent before this was answered. A server that is connected already was agreed to. */
async function isAllowed(door: ResidentService, address: string): Promise<boolean> {
  if (!isBeyondLoopback(address)) return true;
  if ((await door.listServers()).some((server) => server.address === address)) return true;
  const { title, detail } = consentQuestion(address);
  const allow = "Allow";
  return (await vscode.window.showWarningMessage(title, { modal: true, detail }, allow)) === allow;
}

/** Asks for the key where the server wants one. `asks`: there is a person to ask. */
async function connected(
  door: ResidentService,
  keys: ServerKeys,
  request: { readonly address: string; readonly mayLeave: boolean },
  given: string | undefined,
  asks: boolean,
): Promise<ConnectedServer | undefined> {
  const { host } = new URL(request.address);
  for (let key = given; ; ) {
    try {
      const server = await withCancel(`Resident: Connecting to ${host}`, (_, signal) =>
        door.connectServer({ ...request, ...(key === undefined ? {} : { key }) }, signal),
      );
      if (key !== undefined) await keys.set(door, server.address, key);
      return server;
    } catch (error) {
      const { code, what } = toErrorInfo(error);
      if (code !== "SERVER_DENIED" || !asks) throw error;
      const next = await askKey(host, what);
      if (next === undefined) return undefined;
      key = next;
    }
  }
}

/** Argument: address. Resolves with it. */
async function forgetServer(door: ResidentService, keys: ServerKeys, argument: unknown): Promise<string | undefined> {
  const address = textField(argument, "address") ?? (await askServer(door));
  if (address === undefined) return undefined;
  await door.forgetServer(address);
  await keys.set(door, parseServerAddress(address).url, undefined);
  return address;
}

async function askServer(door: ResidentService): Promise<string | undefined> {
  const formats = createFormats(vscode.env.language);
  const servers = await door.listServers();
  const items = servers.map((server) => ({ ...serverRow(server, formats), address: server.address }));
  const placeHolder =
    items.length === 0
      ? "No server is connected"
      : "Its agents keep their conversations and wait until it is connected again";
  return (await vscode.window.showQuickPick(items, { title: "Forget a Server", placeHolder }))?.address;
}

async function askAddress(): Promise<string | undefined> {
  const written = await vscode.window.showInputBox({
    title: "Connect to a Server",
    prompt:
      "Address of a server with an OpenAI-compatible chat endpoint: llama-server, mlx_lm.server, vLLM, LM Studio, Ollama …",
    placeHolder: "http://127.0.0.1:8080",
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === "" ? undefined : addressProblem(text)),
  });
  return written === undefined || written.trim() === "" ? undefined : written;
}

function addressProblem(text: string): string | undefined {
  try {
    parseServerAddress(text);
    return undefined;
  } catch (error) {
    const { what, advice } = toErrorInfo(error);
    return `${sentence(what)} ${sentence(advice)}`;
  }
}

async function askKey(host: string, what: string): Promise<string | undefined> {
  const key = await vscode.window.showInputBox({
    title: `Key of ${host}`,
    prompt: `${sentence(what)} The system keeps it, and it goes to this server alone.`,
    password: true,
    ignoreFocusOut: true,
  });
  return key === undefined || key.trim() === "" ? undefined : key.trim();
}

async function askModel(server: ConnectedServer): Promise<string | undefined> {
  const formats = createFormats(vscode.env.language);
  const items = server.models.map((model) => ({ ...serverModelRow(server, model, formats), name: model.name }));
  const title = `Model on ${server.host}`;
  const placeHolder = items.length === 0 ? `${server.host} lists no models` : "It answers one short question first";
  return (await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true }))?.name;
}

/** Nobody waits for the person. */
function offerAgent({ host }: ConnectedServer, { address, model }: AgentServer, ms: number): void {
  const formats = createFormats(vscode.env.language);
  const make = "New Agent…";
  const said = `${model} on ${host} answers, after ${formats.duration(ms)}. Use Another Model moves an agent to it.`;
  void vscode.window.showInformationMessage(said, make).then((chosen) => {
    if (chosen === make)
      return vscode.commands.executeCommand(commands.newAgent, { server: address, serverModel: model });
    return undefined;
  });
}
