import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError, throwIfAborted } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { FinishReason, GenerateRequest, TurnFigures } from "../../protocol/service";
import { flagField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { withCancel } from "../commands/progress";
import { generationText, loadingText } from "../commands/progressText";
import { commands, diagnosisScheme, logScheme } from "../contributions";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import { samplingArgument } from "../engine/settingsReader";
import { StreamedEdit } from "./streamedEdit";

/** What the commands return. `document` is the URI that the text went into. */
export interface GenerateResult {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly figures: TurnFigures;
  readonly document: string;
}

interface Target {
  readonly document: vscode.TextDocument;
  readonly offset: number;
}

export interface GeneratePorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
}

/** Arguments of both: prompt, system, raw, maxTokens, temperature, seed; of `generate` also newDocument. */
export function registerGenerate(registry: CommandRegistry, ports: GeneratePorts): Disposable {
  const store = new DisposableStore();
  store.add(registry.register(commands.generate, (argument) => generate(argument, ports)));
  store.add(registry.register(commands.generateFromSelection, (argument) => generateFromSelection(argument, ports)));
  return store;
}

async function generate(argument: unknown, ports: GeneratePorts): Promise<GenerateResult | undefined> {
  const prompt = textField(argument, "prompt") ?? (await askPrompt());
  if (prompt === undefined) return undefined;
  const editor = flagField(argument, "newDocument") ? undefined : writableEditor();
  const request = requestOf(prompt, argument);
  if (editor) {
    const { document, selection } = editor;
    return stream(request, { document, offset: document.offsetAt(selection.end) }, ports);
  }
  const target = await newDocument();
  try {
    return await stream(request, target, ports);
  } catch (error) {
    await closeEmpty(target.document);
    throw error;
  }
}

async function generateFromSelection(argument: unknown, ports: GeneratePorts): Promise<GenerateResult> {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.selection.isEmpty) {
    throw new InvalidRequestError("nothing is selected", "select the text that is the prompt");
  }
  const { document, selection } = editor;
  const prompt = document.getText(selection);
  const target = { document, offset: document.offsetAt(selection.end) };
  return stream(requestOf(prompt, argument), target, ports, prompt.endsWith("\n") ? "" : "\n");
}

/** Output channels and our own reports are text editors too, but nobody writes there. */
function writableEditor(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && !["output", diagnosisScheme, logScheme].includes(editor.document.uri.scheme) ? editor : undefined;
}

function askPrompt(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: "Generate",
    prompt: "The answer is inserted at the cursor, or into a new document when no editor is open.",
    placeHolder: "What should be written?",
    ignoreFocusOut: true,
    validateInput: (value) => (value.trim() === "" ? "Write a prompt first." : undefined),
  });
}

async function newDocument(): Promise<Target> {
  const document = await vscode.workspace.openTextDocument({ language: "markdown" });
  await vscode.window.showTextDocument(document);
  return { document, offset: 0 };
}

/** A document that was made for an answer that never came. */
async function closeEmpty(document: vscode.TextDocument): Promise<void> {
  if (document.getText() !== "") return;
  const uri = document.uri.toString();
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const tab = tabs.find(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri);
  if (tab) await vscode.window.tabGroups.close(tab);
}

function requestOf(prompt: string, argument: unknown): GenerateRequest {
  const system = textField(argument, "system");
  return {
    prompt,
    ...(flagField(argument, "raw") ? { raw: true } : {}),
    ...(system === undefined ? {} : { system }),
    sampling: samplingArgument(argument),
  };
}

async function stream(
  request: GenerateRequest,
  { document, offset }: Target,
  { service, engine }: GeneratePorts,
  before = "",
): Promise<GenerateResult> {
  const store = new DisposableStore();
  const formats = createFormats(vscode.env.language);
  try {
    return await withCancel("Resident: Generating", async (report, signal) => {
      const say = (message: string | undefined) => message !== undefined && report.report({ message });
      store.add(engine.onChange((state) => say(loadingText(state, formats))));
      const door = await service.get();
      throwIfAborted(signal);
      const edit = store.add(new StreamedEdit(document, offset));
      const running = door.generate(request);
      for (const stop of [signal, edit.closed]) stop.addEventListener("abort", () => running.abort(), { once: true });
      let separator = before;
      store.add(
        running.onEvent((event) => {
          say(generationText(event, formats));
          if (event.type !== "text" || event.text === "") return;
          edit.append(separator + event.text);
          separator = "";
        }),
      );
      try {
        const { text, finishReason, figures } = await running.done;
        return { text, finishReason, figures, document: document.uri.toString() };
      } finally {
        // What came before a failure stays in the document.
        await edit.finish();
      }
    });
  } finally {
    store.dispose();
  }
}
