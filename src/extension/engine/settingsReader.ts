import * as vscode from "vscode";
import type { SamplingOptions } from "../../protocol/service";
import { numberField } from "../commands/commandArguments";
import type { SettingId } from "../contributions";

export function readSetting(id: SettingId): unknown {
  return vscode.workspace.getConfiguration().get(id);
}

/** The sampling in a command's argument: maxTokens, temperature, seed. The core adds the settings. */
export function samplingArgument(argument: unknown): SamplingOptions {
  const maxTokens = numberField(argument, "maxTokens");
  const temperature = numberField(argument, "temperature");
  const seed = numberField(argument, "seed");
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
  };
}
