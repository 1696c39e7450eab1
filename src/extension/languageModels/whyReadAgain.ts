import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";

/** Shows the last requests of VS Code's chat in the status view; returns them, newest first. */
export function registerWhyReadAgain(registry: CommandRegistry, service: ServiceHandle): Disposable {
  return registry.register(commands.whyReadAgain, async () => {
    const { threads } = await (await service.get()).status();
    await vscode.commands.executeCommand(commands.openStatus);
    if (threads.recent.length === 0) {
      const message =
        "VS Code's chat has asked none of Resident's models yet. Choose one in the chat's list of models.";
      void vscode.window.showInformationMessage(message); // nobody waits for the person
    }
    return { recent: threads.recent };
  });
}
