import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { GenerateRequest } from "../../protocol/service";
import { flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands, diagnosisScheme, logScheme } from "../contributions";
import { samplingArgument } from "../engine/settingsReader";
import type { Prompt } from "./generatePrompt";
import { type GeneratePorts, type GenerateResult, generateInto } from "./generateRun";
import { cursorTarget, emptyTarget, type GenerateTarget, selectionTarget } from "./generateTarget";
import { ProseText } from "./proseText";
import { askSelectionWish, type SelectionWish } from "./selectionQuestion";

/**
 * Arguments of both: system, raw, maxTokens, temperature, seed. Of `generate` also prompt and newDocument. Of
 * `generateFromSelection` also action ("continue", "rewrite", "explain") and instruction; either one alone is enough.
 * `raw` sends the prompt, or the selection, as it is and inserts the answer as it comes.
 */
export function registerGenerate(registry: CommandRegistry, ports: GeneratePorts): Disposable {
  const store = new DisposableStore();
  store.add(registry.register(commands.generate, (argument) => generate(argument, ports)));
  store.add(registry.register(commands.generateFromSelection, (argument) => generateFromSelection(argument, ports)));
  return store;
}

async function generate(argument: unknown, ports: GeneratePorts): Promise<GenerateResult | undefined> {
  const editor = flagField(argument, "newDocument") ? undefined : await writableEditor();
  const prompt = textField(argument, "prompt") ?? (await askPrompt(editor?.document));
  if (prompt === undefined) return undefined;
  if (prompt.trim() === "") throw new InvalidRequestError("the prompt is empty", "write what is to be generated");
  if (editor) return run(cursorTarget(editor, prompt), prompt, argument, ports);
  const document = await newDocument();
  try {
    return await run(emptyTarget(document, prompt), prompt, argument, ports);
  } catch (error) {
    await closeEmpty(document);
    throw error;
  }
}

async function generateFromSelection(argument: unknown, ports: GeneratePorts): Promise<GenerateResult | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.selection.isEmpty || editor.document.getText(editor.selection).trim() === "") {
    throw new InvalidRequestError("nothing is selected", "select the text that is to be continued or rewritten");
  }
  const isRaw = flagField(argument, "raw");
  const wish = wishOf(argument) ?? (isRaw ? { action: "continue" as const, instruction: "" } : undefined);
  const chosen = wish ?? (await askSelectionWish(editor.document.languageId));
  if (chosen === undefined) return undefined;
  return run(selectionTarget(editor, chosen), editor.document.getText(editor.selection), argument, ports);
}

function wishOf(argument: unknown): SelectionWish | undefined {
  const instruction = textField(argument, "instruction");
  const action = textField(argument, "action");
  switch (action) {
    case "continue":
    case "explain":
      return { action, instruction: instruction ?? "" };
    case "rewrite":
    case undefined:
      if (instruction !== undefined) return { action: "rewrite", instruction };
      if (action === undefined) return undefined;
      throw new InvalidRequestError("a rewrite needs an instruction", 'pass "instruction" as a string');
    default:
      throw new InvalidRequestError(`there is no action "${action}"`, 'pass "continue", "rewrite" or "explain"');
  }
}

function run(target: GenerateTarget, asIs: string, argument: unknown, ports: GeneratePorts): Promise<GenerateResult> {
  const system = textField(argument, "system");
  const sampling = samplingArgument(argument);
  if (flagField(argument, "raw")) {
    const request = { prompt: asIs, raw: true, sampling, ...(system === undefined ? {} : { system }) };
    return generateInto({ ...target, text: new ProseText() }, () => request, ports);
  }
  const requestOf = (prompt: Prompt): GenerateRequest => ({
    ...prompt,
    sampling,
    ...(system === undefined ? {} : { system }),
  });
  return generateInto(target, requestOf, ports);
}

/** Output channels and our reports are text editors too, but they are read-only. */
async function writableEditor(): Promise<vscode.TextEditor | undefined> {
  const editor = vscode.window.activeTextEditor ?? (await openingEditor());
  return editor && !["output", diagnosisScheme, logScheme].includes(editor.document.uri.scheme) ? editor : undefined;
}

/** A file that is being opened has a tab before it has an editor: its answer must not go into a new document. */
async function openingEditor(): Promise<vscode.TextEditor | undefined> {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (!(input instanceof vscode.TabInputText)) return undefined;
  try {
    return await vscode.window.showTextDocument(input.uri);
  } catch {
    // VS Code shows files that are too large for extensions, and such a file has no editor for us.
    return undefined;
  }
}

function askPrompt(document: vscode.TextDocument | undefined): Thenable<string | undefined> {
  const place = document ? `at the cursor of ${vscode.workspace.asRelativePath(document.uri)}` : "into a new document";
  return vscode.window.showInputBox({
    title: "Generate",
    prompt: `The answer goes ${place}.`,
    placeHolder: "What should be written?",
    ignoreFocusOut: true,
    validateInput: (value) => (value.trim() === "" ? "Write a prompt first." : undefined),
  });
}

async function newDocument(): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument({ language: "markdown" });
  await vscode.window.showTextDocument(document);
  return document;
}

/** Closes a document that was made for an answer which never came. */
async function closeEmpty(document: vscode.TextDocument): Promise<void> {
  if (document.getText() !== "") return;
  const uri = document.uri.toString();
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const tab = tabs.find(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri);
  if (tab) await vscode.window.tabGroups.close(tab);
}
