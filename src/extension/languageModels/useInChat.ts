import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { createFormats, plural } from "../../common/format";
import type { Log } from "../../common/log";
import type { ChatModel } from "../../protocol/service";
import type { CommandRegistry } from "../commands/commandRegistry";
import { chatVendor, commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { chatHostOf } from "./chatHost";
import { modelId } from "./modelInformation";

/** Commands of VS Code's. The first takes a provider into the person's own list (`chatLanguageModels.json`). */
const addProvider = "lm.addLanguageModelsProviderGroup";
const openChat = "workbench.action.chat.open";

/** Opens VS Code's chat on one of Resident's models, and lists Resident as a provider of the person's own. */
export function registerUseInChat(registry: CommandRegistry, service: ServiceHandle, log: Log): Disposable {
  return registry.register(commands.useInChat, async () => {
    if (chatHostOf(vscode) === undefined) {
      const message = "This VS Code's chat takes no models of extensions: that begins with VS Code 1.104.";
      void vscode.window.showInformationMessage(message);
      return undefined;
    }
    const model = await chooseModel(await (await service.get()).chatModels());
    if (model === undefined) return undefined;
    await listProvider(log);
    const selector = { vendor: chatVendor, id: modelId(model) };
    // A chat for agents leaves out models that take no tools.
    const mode = model.takesTools ? {} : { mode: "Ask" };
    await vscode.commands.executeCommand(openChat, { modelSelector: selector, ...mode });
    return selector;
  });
}

async function chooseModel(models: readonly ChatModel[]): Promise<ChatModel | undefined> {
  const [only] = models;
  if (only === undefined) {
    const get = "Get Model";
    const message = "There is no model yet that VS Code's chat has room for.";
    if ((await vscode.window.showInformationMessage(message, get)) === get)
      await vscode.commands.executeCommand(commands.getModel);
    return undefined;
  }
  if (models.length === 1) return only;
  const formats = createFormats(vscode.env.language);
  const items = models.map((model) => ({
    model,
    label: model.name,
    description: `${model.takesTools ? "tools" : "no tools"} · ${plural(model.maxInputTokens, "token", formats)}`,
  }));
  const options = { title: "Use in VS Code's Chat", placeHolder: "Model" };
  return (await vscode.window.showQuickPick(items, options))?.model;
}

/** From a provider that is in the person's list, VS Code knows that they have models of their own and need no account. */
async function listProvider(log: Log): Promise<void> {
  const known = await vscode.commands.getCommands(true);
  if (!known.includes(addProvider)) return;
  try {
    await vscode.commands.executeCommand(addProvider, { name: "Resident", vendor: chatVendor });
  } catch (error) {
    // It refuses a name that is in the list already.
    log.log("info", `VS Code's list of model providers stays as it is: ${toErrorInfo(error).what}`);
  }
}
