import * as vscode from "vscode";
import type { AllowedRule, ApprovalSettings, Permissions } from "../../acting/ports";
import { type SettingId, settings } from "../contributions";
import { readSetting } from "../engine/settingsReader";
import { approvalSettings } from "./toolSettings";

/**
 * What agents may do unasked: as the settings say now. "Accept All Edits" counts until the window closes; commands and tools
 * that are always allowed go to the person's own settings, where no workspace can put any.
 */
export class AgentPermissions implements Permissions {
  private acceptsEdits = false;

  settings(): ApprovalSettings {
    const now = approvalSettings(readSetting, vscode.workspace.isTrusted);
    return this.acceptsEdits && now.write === "before" ? { ...now, write: "after" } : now;
  }

  async allow(rule: AllowedRule): Promise<void> {
    if (rule.kind === "write") this.acceptsEdits = true;
    else if (rule.kind === "run") await addTo(settings.toolsAllowedCommands, rule.prefix);
    else await addTo(settings.toolsAllowedTools, rule.tool);
  }
}

async function addTo(id: SettingId, text: string): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const own: unknown = configuration.inspect(id)?.globalValue;
  const before: readonly unknown[] = Array.isArray(own) ? own : [];
  if (!before.includes(text)) await configuration.update(id, [...before, text], vscode.ConfigurationTarget.Global);
}
