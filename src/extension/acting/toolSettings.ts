/** The meaning of the settings under "Tools", without VS Code. */
import { type ApprovalSettings, type Limits, writeApprovals } from "../../acting/ports";
import { settings } from "../contributions";
import type { ReadSetting } from "../engine/answerSettings";
import { numberSetting } from "../engine/settings";

export function approvalSettings(read: ReadSetting, isTrusted: boolean): ApprovalSettings {
  const write = writeApprovals.find((known) => known === read(settings.toolsApproveWrite));
  return {
    isTrusted,
    // What is not understood asks.
    write: write ?? "before",
    run: read(settings.toolsApproveRun) === "never" ? "never" : "ask",
    commands: texts(read(settings.toolsAllowedCommands)),
    other: read(settings.toolsApproveOther) === "never" ? "never" : "ask",
    others: texts(read(settings.toolsAllowedTools)),
  };
}

/** What an agent may do for one message before it asks to go on. */
export function turnLimits(read: ReadSetting): Limits {
  return {
    steps: Math.round(numberSetting(read, settings.toolsMostSteps)),
    minutes: numberSetting(read, settings.toolsMostMinutes),
  };
}

/** Names of tools that a new agent gets. */
export function defaultTools(read: ReadSetting): readonly string[] {
  return texts(read(settings.toolsDefault));
}

export function isSavingEdits(read: ReadSetting): boolean {
  return read(settings.toolsSaveEdits) !== false;
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  const found = value.filter((one): one is string => typeof one === "string").map((one) => one.trim());
  return [...new Set(found.filter((one) => one !== ""))];
}
