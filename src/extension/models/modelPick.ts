import * as vscode from "vscode";
import { createFormats } from "../../common/format";
import type { ListedModel, ResidentService } from "../../protocol/service";
import { settings } from "../contributions";
import { modelChoice } from "../engine/modelChoices";
import { readSetting } from "../engine/settingsReader";

/** Asks for one of the models that can be used, without the one at `except`. */
export async function pickModel(
  door: ResidentService,
  title: string,
  except?: string,
): Promise<ListedModel | undefined> {
  const usable = (await door.listModels()).filter(({ problem, directory }) => !problem && directory !== except);
  return pickAmong(usable, title, usable.length === 0 ? "There is no other model. Get Model… finds one" : "Model");
}

export async function pickAmong(
  models: readonly ListedModel[],
  title: string,
  placeHolder: string,
): Promise<ListedModel | undefined> {
  const formats = createFormats(vscode.env.language);
  const chosen = readSetting(settings.modelDefault);
  const items = models.map((model) => ({ model, ...modelChoice(model, chosen, formats) }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true }))?.model;
}
