import { join } from "node:path";
import type * as vscode from "vscode";
import type { Disposable } from "../common/disposables";
import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { ResidentService } from "../protocol/service";
import { startCoreThread } from "../service/remote/startCoreThread";
import { registerActingCommands } from "./acting/actingCommands";
import { WorkspaceActing } from "./acting/workspaceActing";
import { registerAgentCommands } from "./agents/agentCommands";
import { AgentPicker } from "./agents/agentPicker";
import { AgentsTree } from "./agents/agentsTree";
import { ChatPanels } from "./chat/chatPanels";
import { registerConversationCommands } from "./chat/conversationCommands";
import { Drafts } from "./chat/drafts";
import { CommandRegistry } from "./commands/commandRegistry";
import { Failures } from "./commands/failures";
import { EditorActions } from "./editor/editorActions";
import { registerGenerate } from "./editor/generateCommands";
import { EngineWatch } from "./engine/engineWatch";
import { showLostEngine } from "./engine/lostEngine";
import { registerModelCommands } from "./engine/modelCommands";
import { placesOf } from "./engine/places";
import { ServiceHandle } from "./engine/serviceHandle";
import { serviceOptionsOf } from "./engine/settings";
import { readSetting } from "./engine/settingsReader";
import { AgentFiles } from "./files/agentFiles";
import { registerFileCommands } from "./files/fileCommands";
import { KeptDraftFiles } from "./files/keptDraftFiles";
import { PinSources } from "./files/pinSources";
import { SaveHistory } from "./files/saveHistory";
import { TextShelf } from "./files/textShelf";
import { InstructionsFiles } from "./instructions/instructionsFiles";
import { InstructionsLens } from "./instructions/instructionsLens";
import { registerChatModels } from "./languageModels/registerChatModels";
import { registerUseInChat } from "./languageModels/useInChat";
import { registerWhyReadAgain } from "./languageModels/whyReadAgain";
import { registerHubCommands } from "./models/hubCommands";
import { HubWay, proxyAccess } from "./models/hubWay";
import { RoomView } from "./room/roomView";
import { registerServerCommands } from "./servers/serverCommands";
import { ServerKeys } from "./servers/serverKeys";
import { Benchmarks } from "./status/benchCommands";
import { showEngine } from "./status/statusBar";
import { StatusView } from "./status/statusView";
import { registerDiagnose } from "./window/diagnose";
import { OutputLog } from "./window/outputLog";
import { SettingChanges } from "./window/settingChanges";
import { registerStoreCommands } from "./window/storeCommands";
import { registerWindowCommands } from "./window/windowCommands";

/** VS Code gives `deactivate` 5 seconds and then ends the process. */
const shutDownMs = 4000;

let service: ServiceHandle | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const own = <T extends Disposable>(item: T): T => {
    context.subscriptions.push(item);
    return item;
  };
  const { extension, extensionUri, workspaceState: memory } = context;
  const log = own(new OutputLog(context.logUri.fsPath));
  const places = placesOf({
    extensionPath: extension.extensionPath,
    globalStoragePath: context.globalStorageUri.fsPath,
    environment: process.env,
    platform: `${process.platform}-${process.arch}`,
  });
  // The core, and with it the addon, runs in a thread of its own, which starts when it is first needed.
  const serverKeys = new ServerKeys(context.secrets);
  const bundles = join(extension.extensionPath, "dist");
  const coreFile = join(bundles, "core.js");
  const core = own(
    new ServiceHandle(async () => {
      const door = startCoreThread(coreFile, serviceOptionsOf(readSetting, places), log);
      await tellWays(door, serverKeys, log);
      return door;
    }, log),
  );
  service = core;

  const failures = new Failures(log);
  const registry = new CommandRegistry(failures);
  const engine = own(new EngineWatch(core));
  own(showLostEngine(core, failures));
  const settingChanges = own(new SettingChanges(core, failures));
  const editors = own(new EditorActions());
  const drafts = own(new Drafts(memory, core, (error) => failures.note(error)));
  const onError = (error: unknown) => failures.note(error);
  const acting = own(new WorkspaceActing({ service: core, failures, memory, home: places.home, bundles }));
  const files = own(
    new AgentFiles({
      service: core,
      editors,
      drafts: own(new KeptDraftFiles(memory, draftTexts(context), core, onError)),
      sources: new PinSources(context.globalState, onError),
      saves: new SaveHistory(memory, onError),
      onError,
    }),
  );
  const panels = own(
    new ChatPanels({ service: core, engine, editors, failures, drafts, acting, files, extensionUri }, memory),
  );
  const tree = own(new AgentsTree(core, failures));
  own(acting.approvals.onChange(() => tree.showAsking(new Set(acting.approvals.questions.map(({ agent }) => agent)))));
  const picker = new AgentPicker({ focused: () => tree.takeFocused(), active: () => panels.activeAgent });
  const benchmarks = own(new Benchmarks(registry, core));
  const onMembers = (members: ReadonlySet<string>) => tree.showMembers(members);
  own(
    new RoomView(registry, {
      ...{ service: core, engine, editors, failures, picker, memory, files, onMembers, extensionUri },
    }),
  );
  own(new StatusView(registry, { service: core, engine, benchmarks, failures, extensionUri }));
  own(new InstructionsFiles(core, failures));
  own(new InstructionsLens(core, failures));
  own(registerGenerate(registry, { service: core, engine }));
  own(registerAgentCommands(registry, { service: core, panels, picker, files, acting }));
  own(registerActingCommands(registry, { service: core, picker, acting }));
  own(registerFileCommands(registry, { panels, picker, files }));
  own(registerConversationCommands(registry, { service: core, picker }));
  own(registerModelCommands(registry, { service: core, engine }));
  own(registerHubCommands(registry, new HubWay(core, context.secrets)));
  own(registerServerCommands(registry, core, serverKeys));
  const modelsFolder = join(places.home, "models");
  own(registerChatModels({ service: core, failures, log, memory: context.globalState, modelsFolder }));
  own(registerWhyReadAgain(registry, core));
  own(registerUseInChat(registry, core, log));
  own(registerStoreCommands(registry, core));
  own(registerDiagnose(registry, { service: core, places, version: versionOf(extension.packageJSON) }));
  own(registerWindowCommands(registry, { service: core, changes: settingChanges, log, extensionId: extension.id }));
  own(showEngine(engine));
}

export async function deactivate(): Promise<void> {
  await service?.shutDown(shutDownMs);
}

/** In the folder that VS Code keeps for this workspace. */
function draftTexts({ storageUri, globalStorageUri }: vscode.ExtensionContext): TextShelf {
  return new TextShelf(join((storageUri ?? globalStorageUri).fsPath, "drafts"));
}

/** Without them a core answers too: a server that needs its key says so. */
async function tellWays(door: ResidentService, keys: ServerKeys, log: Log): Promise<void> {
  try {
    await door.setHubAccess(proxyAccess());
    await keys.handOver(door);
  } catch (error) {
    log.log("warn", `keys of servers are not known: ${toErrorInfo(error).what}`);
  }
}

function versionOf(manifest: unknown): string {
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}
