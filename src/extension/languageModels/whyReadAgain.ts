import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import { flagField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";

/**
 * Shows the last requests of VS Code's chat in the status view, unless the argument says `background`; returns them,
 * newest first.
 */
export function registerWhyReadAgain(registry: CommandRegistry, service: ServiceHandle): Disposable {
  return registry.register(commands.whyReadAgain, async (argument) => {
    const { threads } = await (await service.get()).status();
    const { recent } = threads;
    if (flagField(argument, "background")) return { recent };
    await vscode.commands.executeCommand(commands.openStatus);
    if (recent.length === 0) {
      const message =
        "VS Code's chat has asked none of Resident's models yet. Choose one in the chat's list of models.";
      void vscode.window.showInformationMessage(message); // nobody waits for the person
    }
    return { recent };
  });
}
