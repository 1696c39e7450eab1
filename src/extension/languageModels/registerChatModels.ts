import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { Log } from "../../common/log";
import type { Failures } from "../commands/failures";
import { chatVendor } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { Memory } from "../window/memory";
import { chatHostOf } from "./chatHost";
import { ResidentChatProvider } from "./chatProvider";
import { RememberedModels } from "./rememberedModels";

export interface ChatModelPorts {
  readonly service: ServiceHandle;
  readonly failures: Failures;
  readonly log: Log;
  /** That of all windows. */
  readonly memory: Memory;
  /** Resident's own folder of models. */
  readonly modelsFolder: string;
}

/** Offers Resident's models to VS Code's chat, where this VS Code has the API for it (from 1.104 on). */
export function registerChatModels({ service, failures, log, memory, modelsFolder }: ChatModelPorts): Disposable {
  const store = new DisposableStore();
  const host = chatHostOf(vscode);
  if (host === undefined) return store;
  const formats = () => createFormats(vscode.env.language);
  const note = (error: unknown) => failures.note(error);
  const remembered = new RememberedModels(memory, modelsFolder, note);
  const provider = store.add(new ResidentChatProvider({ service, parts: host.parts, formats, remembered, note }));
  try {
    store.add(host.register(chatVendor, provider));
    provider.announce();
  } catch (error) {
    // Before it was final, the API was there for extensions of its makers only.
    log.log("info", `this VS Code does not take chat models: ${toErrorInfo(error).what}`);
  }
  return store;
}
