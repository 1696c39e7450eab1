import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands, diagnosisScheme, settings } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { Places } from "../engine/settings";
import { readSetting } from "../engine/settingsReader";
import { type DiagnosisSection, diagnosisText } from "./diagnosisText";

export interface DiagnosePorts {
  readonly service: ServiceHandle;
  readonly places: Places;
  readonly version: string;
}

const document = vscode.Uri.from({ scheme: diagnosisScheme, path: "Resident Diagnosis" });

/** A read-only report of everything that a bug report needs. Works when the engine does not: then it says why. */
export function registerDiagnose(registry: CommandRegistry, ports: DiagnosePorts): Disposable {
  const store = new DisposableStore();
  const changes = store.add(new vscode.EventEmitter<vscode.Uri>());
  let text = "";
  const update = async () => {
    text = diagnosisText(await sections(ports));
    changes.fire(document);
    return text;
  };
  store.add(
    vscode.workspace.registerTextDocumentContentProvider(diagnosisScheme, {
      onDidChange: changes.event,
      // After a reload the document is shown again before the command has run.
      provideTextDocumentContent: async () => text || update(),
    }),
  );
  store.add(
    registry.register(commands.diagnose, async () => {
      const report = await update();
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(document), { preview: true });
      return report;
    }),
  );
  store.add(
    registry.register(commands.copyDiagnosis, async () => {
      const report = await update();
      await vscode.env.clipboard.writeText(report);
      vscode.window.setStatusBarMessage("Resident: the diagnosis is on the clipboard", 4000);
      return report;
    }),
  );
  return store;
}

async function sections({ service, places, version }: DiagnosePorts): Promise<readonly DiagnosisSection[]> {
  return [...hostSections(places, version), ...(await engineSections(service))];
}

function hostSections(places: Places, version: string): readonly DiagnosisSection[] {
  return [
    {
      title: "Resident",
      lines: [
        ["version", version],
        ["platform", `${process.platform}-${process.arch}`],
        ["home", places.home],
        ["starter model", places.starterModel],
        ["native stage", places.nativeStage],
      ],
    },
    {
      title: "VS Code",
      lines: [
        ["version", `${vscode.version} (${vscode.env.appName})`],
        ["runs in", vscode.env.uiKind === vscode.UIKind.Web ? "a browser" : "the desktop"],
        ["remote", vscode.env.remoteName ?? "no"],
        ["Node", process.versions.node],
        ["language", vscode.env.language],
      ],
    },
    {
      title: "Settings",
      lines: Object.values(settings).map((id) => [id, JSON.stringify(readSetting(id)) ?? "not set"]),
    },
  ];
}

async function engineSections(service: ServiceHandle): Promise<readonly DiagnosisSection[]> {
  try {
    const door = await service.get();
    return (await door.diagnose()).sections;
  } catch (error) {
    const { code, what, advice } = toErrorInfo(error);
    return [{ title: "Engine", lines: [["failed", `${code}: ${what}: ${advice}`]] }];
  }
}
