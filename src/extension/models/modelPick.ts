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
  const formats = createFormats(vscode.env.language);
  const chosen = readSetting(settings.modelDefault);
  const usable = (await door.listModels()).filter(({ problem, directory }) => !problem && directory !== except);
  const items = usable.map((model) => ({ model, ...modelChoice(model, chosen, formats) }));
  const placeHolder = items.length === 0 ? "There is no other model. Get Model… finds one" : "Model";
  const options = { title, placeHolder, matchOnDescription: true };
  return (await vscode.window.showQuickPick(items, options))?.model;
}
