import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { numberField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands, settings, views, walkthrough } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { grownPoolMB, poolSizeMB } from "../engine/settings";
import { readSetting } from "../engine/settingsReader";
import { settingsEditor } from "./openSettings";
import type { OutputLog } from "./outputLog";
import type { SettingChanges } from "./settingChanges";

export interface WindowPorts {
  readonly service: ServiceHandle;
  readonly changes: SettingChanges;
  readonly log: Pick<OutputLog, "show">;
  readonly extensionId: string;
}

/** Commands about the window and the engine as a whole. */
export function registerWindowCommands(
  registry: CommandRegistry,
  { service, changes, log, extensionId }: WindowPorts,
): Disposable {
  const store = new DisposableStore();
  store.add(registry.register(commands.showLog, () => log.show()));
  store.add(registry.register(commands.openStatus, () => focus(views.status)));
  store.add(registry.register(commands.openRoom, () => focus(views.room)));
  store.add(
    registry.register(commands.getStarted, async () => {
      await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${extensionId}#${walkthrough}`, false);
    }),
  );
  store.add(
    registry.register(commands.openSettings, async (argument) => {
      const isRemote = vscode.env.remoteName !== undefined;
      const editor = settingsEditor(extensionId, isRemote, textField(argument, "setting"));
      await vscode.commands.executeCommand(editor.command, { query: editor.query });
      return editor;
    }),
  );
  store.add(
    registry.register(commands.restartEngine, async () => {
      await changes.restart();
      return { restarted: true };
    }),
  );
  store.add(
    registry.register(commands.growPool, async (argument) => {
      const { pool } = await (await service.get()).status();
      const sizeMB = grownPoolMB(
        pool === undefined ? poolSizeMB(readSetting) : pool.bytes / 2 ** 20,
        numberField(argument, "needed"),
        numberField(argument, "total"),
      );
      await changes.apply(settings.poolSizeMB, sizeMB);
      return { sizeMB };
    }),
  );
  return store;
}

async function focus(view: string): Promise<void> {
  await vscode.commands.executeCommand(`${view}.focus`);
}
