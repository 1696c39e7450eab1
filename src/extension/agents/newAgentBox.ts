import * as vscode from "vscode";
import { DisposableStore } from "../../common/disposables";
import type { ListedModel, ResidentService } from "../../protocol/service";
import { pickModel } from "../models/modelPick";

export interface NewAgentAnswer {
  readonly name: string;
  /** Absent: the one for new agents. */
  readonly modelDirectory?: string;
}

/** Asks for a new agent's name; a button of the field asks for its model. */
export async function askNewAgent(
  door: ResidentService,
  suggested: string,
  prompt = "Name",
): Promise<NewAgentAnswer | undefined> {
  let value = suggested;
  let model: ListedModel | undefined;
  for (;;) {
    const words = model === undefined ? prompt : `${prompt}. Model: ${model.name}`;
    const answer = await askOnce(value, words);
    if (answer === undefined) return undefined;
    if (answer.type === "name") {
      const { name } = answer;
      return model === undefined ? { name } : { name, modelDirectory: model.directory };
    }
    value = answer.value;
    model = (await pickModel(door, "Model of the New Agent")) ?? model;
  }
}

type Answer =
  | { readonly type: "name"; readonly name: string }
  /** The button: what was written so far. */
  | { readonly type: "model"; readonly value: string };

async function askOnce(value: string, prompt: string): Promise<Answer | undefined> {
  const box = vscode.window.createInputBox();
  const store = new DisposableStore();
  store.add(box);
  box.title = "New Agent";
  box.value = value;
  box.valueSelection = [0, value.length];
  box.prompt = prompt;
  // A chat that is restored at this moment takes the focus; what was written must not go with it.
  box.ignoreFocusOut = true;
  box.buttons = [{ iconPath: new vscode.ThemeIcon("package"), tooltip: "Choose the Agent's Model…" }];
  const isBlank = () => box.value.trim() === "";
  const answered = new Promise<Answer | undefined>((resolve) => {
    store.add(
      box.onDidChangeValue(() => {
        box.validationMessage = isBlank() ? "Write a name." : "";
      }),
    );
    store.add(
      box.onDidAccept(() => {
        if (!isBlank()) resolve({ type: "name", name: box.value });
      }),
    );
    store.add(box.onDidTriggerButton(() => resolve({ type: "model", value: box.value })));
    store.add(box.onDidHide(() => resolve(undefined)));
  });
  box.show();
  try {
    return await answered;
  } finally {
    store.dispose();
  }
}
