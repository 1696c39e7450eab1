import * as vscode from "vscode";
import type { Disposable } from "../common/disposables";
import { registerAgentCommands } from "./agentCommands";
import { AgentPicker } from "./agentPicker";
import { AgentsTree } from "./agentsTree";
import { Benchmarks } from "./benchCommands";
import { ChatPanels } from "./chatPanels";
import { CommandRegistry } from "./commandRegistry";
import { registerDiagnose } from "./diagnose";
import { EditorActions } from "./editorActions";
import { EngineWatch } from "./engineWatch";
import { Failures } from "./failures";
import { registerGenerate } from "./generateCommands";
import { registerModelCommands } from "./modelCommands";
import { OutputLog } from "./outputLog";
import { placesOf } from "./places";
import { RoomView } from "./roomView";
import { ServiceHandle } from "./serviceHandle";
import { SettingChanges } from "./settingChanges";
import { serviceOptionsOf } from "./settings";
import { readSetting } from "./settingsReader";
import { showEngine } from "./statusBar";
import { StatusView } from "./statusView";
import { registerWindowCommands } from "./windowCommands";

/** VS Code gives `deactivate` 5 seconds and then ends the process. */
const shutDownMs = 4000;

let service: ServiceHandle | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const own = <T extends Disposable>(item: T): T => {
    context.subscriptions.push(item);
    return item;
  };
  const { extension, extensionUri, workspaceState: memory } = context;
  const channel = own(vscode.window.createOutputChannel("Resident", { log: true }));
  const log = new OutputLog(channel);
  const places = placesOf({
    extensionPath: extension.extensionPath,
    globalStoragePath: context.globalStorageUri.fsPath,
    environment: process.env,
    platform: `${process.platform}-${process.arch}`,
  });
  // The core, and with it the addon, is loaded when it is first needed: activation stays short.
  const core = own(
    new ServiceHandle(async () => {
      const { createResidentService } = await import("../service/residentService");
      return createResidentService(serviceOptionsOf(readSetting, places), log);
    }, log),
  );
  service = core;

  const failures = new Failures(log);
  const registry = new CommandRegistry(failures);
  const engine = own(new EngineWatch(core));
  const changes = own(new SettingChanges(core, failures));
  const editors = own(new EditorActions());
  const panels = own(new ChatPanels({ service: core, engine, editors, failures, extensionUri }));
  const tree = own(new AgentsTree(core, failures));
  const picker = new AgentPicker({ selected: () => tree.selected, active: () => panels.activeAgent });
  const benchmarks = own(new Benchmarks(registry, core));
  own(new RoomView(registry, { service: core, engine, editors, failures, picker, memory, extensionUri }));
  own(new StatusView({ service: core, engine, benchmarks, failures, extensionUri }));
  own(registerGenerate(registry, { service: core, engine }));
  own(registerAgentCommands(registry, { service: core, panels, picker, editors }));
  own(registerModelCommands(registry, { service: core, engine }));
  own(registerDiagnose(registry, { service: core, places, version: versionOf(extension.packageJSON) }));
  own(registerWindowCommands(registry, { changes, log: channel, extensionId: extension.id }));
  own(showEngine(engine));
}

export async function deactivate(): Promise<void> {
  await service?.shutDown(shutDownMs);
}

function versionOf(manifest: unknown): string {
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}
