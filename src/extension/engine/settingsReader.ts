import * as vscode from "vscode";
import type { SamplingOptions } from "../../protocol/service";
import { numberField } from "../commands/commandArguments";
import type { SettingId } from "../contributions";
import { samplingOf } from "./settings";

export function readSetting(id: SettingId): unknown {
  return vscode.workspace.getConfiguration().get(id);
}

/** Sampling of the next answer: settings are read anew each time. */
export function samplingFromSettings(): SamplingOptions {
  return samplingOf(readSetting);
}

/** The same, with what the caller of a command says itself: maxTokens, temperature, seed. */
export function samplingWith(argument: unknown): SamplingOptions {
  const maxTokens = numberField(argument, "maxTokens");
  const temperature = numberField(argument, "temperature");
  const seed = numberField(argument, "seed");
  return {
    ...samplingFromSettings(),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
  };
}
