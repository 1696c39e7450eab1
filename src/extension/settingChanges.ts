import * as vscode from "vscode";
import type { Disposable } from "../common/disposables";
import { commands, settings, startupSettings } from "./contributions";
import type { Failures } from "./failures";
import type { ServiceHandle } from "./serviceHandle";
import { readSetting } from "./settingsReader";

/** What a changed setting does: sampling is read with each answer, the model is chosen, the rest needs a restart. */
export function watchSettings(service: ServiceHandle, failures: Failures): Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (!service.started) return;
    if (event.affectsConfiguration(settings.modelDefault)) {
      chooseDefault(service).catch((error: unknown) => failures.show(error));
    }
    if (startupSettings.some((id) => event.affectsConfiguration(id))) offerRestart();
  });
}

async function chooseDefault(service: ServiceHandle): Promise<void> {
  const directory = readSetting(settings.modelDefault);
  if (typeof directory !== "string" || directory.trim() === "") return;
  await (await service.get()).chooseModel(directory.trim());
}

function offerRestart(): void {
  const restart = "Restart Engine";
  const message = "This setting takes effect when the engine starts again. Agents are saved first.";
  vscode.window.showInformationMessage(message, restart).then((chosen) => {
    if (chosen === restart) vscode.commands.executeCommand(commands.restartEngine);
  });
}
