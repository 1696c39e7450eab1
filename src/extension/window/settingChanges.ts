import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import type { Failures } from "../commands/failures";
import { commands, type SettingId, settings, startupSettings } from "../contributions";
import { answerSettings, samplingOf } from "../engine/answerSettings";
import type { ServiceHandle } from "../engine/serviceHandle";
import { readSetting } from "../engine/settingsReader";

/** A restart saves first, however long that takes; the limit is for a disk that hangs. */
const restartDeadlineMs = 30_000;

const answerSettingIds = Object.keys(answerSettings);

/** Applies changed settings: sampling to the next answer, the model to new agents; the others need a restart. */
export class SettingChanges implements Disposable {
  private readonly listening: Disposable;
  /** For a change that restarts by itself, no restart is offered. */
  private applying = false;

  constructor(
    private readonly service: ServiceHandle,
    failures: Failures,
  ) {
    this.listening = vscode.workspace.onDidChangeConfiguration((event) => {
      if (!service.started) return;
      if (event.affectsConfiguration(settings.modelDefault)) {
        this.chooseDefault().catch((error: unknown) => failures.show(error));
      }
      if (answerSettingIds.some((id) => event.affectsConfiguration(id))) {
        this.tellSampling().catch((error: unknown) => failures.show(error));
      }
      if (!this.applying && startupSettings.some((id) => event.affectsConfiguration(id))) offerRestart();
    });
  }

  /** Saves the agents and starts the engine again with the current settings. */
  restart(): Promise<void> {
    return this.service.restart(restartDeadlineMs);
  }

  /** Changes a setting that takes effect at the engine's start, and restarts it. */
  async apply(id: SettingId, value: unknown): Promise<void> {
    this.applying = true;
    try {
      await vscode.workspace.getConfiguration().update(id, value, vscode.ConfigurationTarget.Global);
    } finally {
      this.applying = false;
    }
    await this.restart();
  }

  dispose(): void {
    this.listening.dispose();
  }

  private async tellSampling(): Promise<void> {
    await (await this.service.get()).setDefaultSampling(samplingOf(readSetting));
  }

  private async chooseDefault(): Promise<void> {
    const directory = readSetting(settings.modelDefault);
    if (typeof directory !== "string" || directory.trim() === "") return;
    await (await this.service.get()).chooseModel(directory.trim());
  }
}

function offerRestart(): void {
  const restart = "Restart Engine";
  const message = "This setting takes effect when the engine starts again. Agents are saved first.";
  vscode.window.showInformationMessage(message, restart).then((chosen) => {
    if (chosen === restart) vscode.commands.executeCommand(commands.restartEngine);
  });
}
