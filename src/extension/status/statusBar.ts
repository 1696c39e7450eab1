import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { EngineState } from "../../protocol/service";
import { sentence } from "../commands/errorText";
import { commands, contextKeys } from "../contributions";
import type { EngineWatch } from "../engine/engineWatch";

/** Shows the loaded model in the status bar and sets the menus' context keys. Nothing is shown before the first load. */
export function showEngine(engine: EngineWatch): Disposable {
  const store = new DisposableStore();
  const item = store.add(vscode.window.createStatusBarItem("resident.engine", vscode.StatusBarAlignment.Right, 0));
  item.name = "Resident";
  item.command = commands.openStatus;
  const show = (state: EngineState) => {
    const look = engineLook(state);
    setContext(contextKeys.loading, state.type === "loading");
    setContext(contextKeys.modelLoaded, state.type === "ready");
    if (!look) {
      item.hide();
      return;
    }
    item.text = look.text;
    item.tooltip = look.tooltip;
    item.show();
  };
  store.add(engine.onChange(show));
  return store;
}

function engineLook(state: EngineState): { readonly text: string; readonly tooltip: string } | undefined {
  switch (state.type) {
    case "idle":
    case "noModel":
      return undefined;
    case "loading":
      return { text: `$(loading~spin) ${state.model}`, tooltip: "Resident is loading this model" };
    case "ready":
      return {
        text: `$(hubot) ${state.model.name}`,
        tooltip: `Resident: ${state.model.name} on ${state.device}, MLX ${state.mlxVersion}`,
      };
    case "addonMissing":
    case "failed":
      return { text: "$(warning) Resident", tooltip: sentence(state.error.what) };
  }
}

function setContext(key: string, value: boolean): void {
  vscode.commands.executeCommand("setContext", key, value);
}
