import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { createFormats, plural } from "../../common/format";
import { roundedText } from "../../common/roundedText";
import type {
  HubRequest,
  ImportedModel,
  ListedModel,
  ModelDeletion,
  ModelSummary,
  ResidentService,
} from "../../protocol/service";
import { flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { withCancel, withJobProgress } from "../commands/progress";
import { commands } from "../contributions";
import { modelText, variantChoice } from "./hubChoices";
import { HubPicker } from "./hubPicker";
import type { HubWay } from "./hubWay";
import { pickAmong } from "./modelPick";

/** Get, delete, token. Each asks a person for what its argument does not say. */
export function registerHubCommands(registry: CommandRegistry, hub: HubWay): Disposable {
  const store = new DisposableStore();
  store.add(registry.register(commands.getModel, (argument) => getModel(hub, argument)));
  store.add(registry.register(commands.deleteModel, async (argument) => deleteModel(await hub.door(), argument)));
  store.add(
    registry.register(commands.setHubToken, async (argument) => {
      const token = textField(argument, "token") ?? (await askToken(await hub.hasToken()));
      if (token === undefined) return undefined;
      await hub.setToken(token.trim());
      return { hasToken: await hub.hasToken() };
    }),
  );
  return store;
}

/** Arguments: name, quantization. Returns the model's summary. */
async function getModel(hub: HubWay, argument: unknown): Promise<ModelSummary | undefined> {
  const door = await hub.door();
  const said = textField(argument, "name");
  const quantization = textField(argument, "quantization");
  if (said !== undefined) {
    return download(door, { name: said, ...(quantization === undefined ? {} : { quantization }) });
  }
  const name = await new HubPicker(door).ask();
  if (name === undefined) return undefined;
  const request = await confirmed(door, name);
  if (request === undefined) return undefined;
  const model = await download(door, request);
  offerUse(model);
  return model;
}

/** What the model would mean, and of a model in GGUF which file; `undefined` when the person changed their mind. */
async function confirmed(door: ResidentService, name: string): Promise<HubRequest | undefined> {
  const formats = createFormats(vscode.env.language);
  const plan = await withCancel(`Resident: Looking at ${name}`, (_, signal) => door.describeHubModel({ name }, signal));
  if (plan.variants !== undefined && plan.variants.length > 1) {
    const items = plan.variants.map((variant) => variantChoice(variant, formats));
    const placeHolder = "More bits: better answers, more memory";
    const chosen = await vscode.window.showQuickPick(items, { title: `Get ${plan.name}: which file`, placeHolder });
    return chosen && { name, quantization: chosen.quantization };
  }
  if (plan.fit.verdict !== "tight") return { name };
  const get = "Get It";
  const detail = `${modelText(plan, formats)}. Conversations will have less room than that, or other programs will.`;
  const answer = await vscode.window.showWarningMessage(`${plan.name} is tight here`, { modal: true, detail }, get);
  return answer === get ? { name } : undefined;
}

function download(door: ResidentService, request: HubRequest): Thenable<ImportedModel> {
  return withJobProgress(`Resident: Getting ${request.name}`, (onProgress, signal) =>
    door.getHubModel(request, onProgress, signal),
  );
}

/** Nobody waits for the person. */
function offerUse({ name, directory, rounded }: ImportedModel): void {
  const use = "Use It";
  const said = `${name} is here. Use it for new agents and Generate? Existing agents keep their model.`;
  const more = roundedText(rounded, createFormats(vscode.env.language));
  const message = more === undefined ? said : `${said} ${more}`;
  vscode.window.showInformationMessage(message, use).then((answer) => {
    if (answer === use) vscode.commands.executeCommand(commands.chooseModel, { directory });
  });
}

/** Arguments: directory; sure, to ask nothing. Returns what was freed. */
async function deleteModel(door: ResidentService, argument: unknown): Promise<ModelDeletion | undefined> {
  const directory = textField(argument, "directory");
  const own = (await door.listModels()).filter(({ isDeletable }) => isDeletable);
  const model = directory === undefined ? await pickOwn(own) : own.find((one) => one.directory === directory);
  if (model === undefined) return directory === undefined ? undefined : door.deleteModel(directory);
  if (!flagField(argument, "sure") && !(await isSure(door, model))) return undefined;
  const deletion = await door.deleteModel(model.directory);
  const { bytes } = createFormats(vscode.env.language);
  void vscode.window.showInformationMessage(`${model.name} is deleted: ${bytes(deletion.freedBytes)} are free again.`);
  return deletion;
}

function pickOwn(own: readonly ListedModel[]): Promise<ListedModel | undefined> {
  const nothing = "Resident has imported and downloaded no model";
  return pickAmong(own, "Delete Model", own.length === 0 ? nothing : "Model to delete");
}

async function isSure(door: ResidentService, { name, directory, weightBytes }: ListedModel): Promise<boolean> {
  const formats = createFormats(vscode.env.language);
  const users = (await door.listAgents()).filter(
    ({ modelDirectory, server }) => modelDirectory === directory && server === undefined,
  );
  const freed = weightBytes > 0 ? `This frees ${formats.bytes(weightBytes)}. ` : "";
  const who = users.map((agent) => agent.name).join(", ");
  const uses =
    users.length === 0
      ? "No agent uses it."
      : `${plural(users.length, "agent", formats)} can then be read but not continued: ${who}.`;
  const remove = "Delete";
  const detail = `${freed}${uses}`;
  return (await vscode.window.showWarningMessage(`Delete ${name}?`, { modal: true, detail }, remove)) === remove;
}

function askToken(hasToken: boolean): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: "Set Hub Token",
    password: true,
    prompt: "For models with conditions. It is kept by the system's key chain and sent to the hub only.",
    placeHolder: hasToken ? "A token is set; leave this empty to forget it" : "hf_…",
    ignoreFocusOut: true,
  });
}
