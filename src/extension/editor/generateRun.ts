import * as vscode from "vscode";
import { DisposableStore } from "../../common/disposables";
import { throwIfAborted } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { FinishReason, GenerateRequest, TurnFigures } from "../../protocol/service";
import { withCancel } from "../commands/progress";
import { generationText, loadingText } from "../commands/progressText";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { Prompt } from "./generatePrompt";
import type { GenerateTarget } from "./generateTarget";
import { StreamedEdit } from "./streamedEdit";

/** What the commands return. `text` is what went into the document, `document` its URI. */
export interface GenerateResult {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly figures: TurnFigures;
  readonly document: string;
}

export interface GeneratePorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
}

/** Streams an answer into its document. Resolves when the answer is complete or cancelled, or the document was closed. */
export async function generateInto(
  { document, range, text, prompt }: GenerateTarget,
  requestOf: (prompt: Prompt) => GenerateRequest,
  { service, engine }: GeneratePorts,
): Promise<GenerateResult> {
  const store = new DisposableStore();
  const formats = createFormats(vscode.env.language);
  try {
    return await withCancel("Resident: Generating", async (report, signal) => {
      const say = (message: string | undefined) => message !== undefined && report.report({ message });
      store.add(engine.onChange((state) => say(loadingText(state, formats))));
      const door = await service.get();
      // The size of the model's context limits how much of the file goes into the prompt.
      const { contextTokens } = await door.loadModel(signal);
      throwIfAborted(signal);
      const edit = store.add(new StreamedEdit(document, range));
      const running = door.generate(requestOf(prompt(contextTokens)));
      for (const stop of [signal, edit.closed]) stop.addEventListener("abort", () => running.abort(), { once: true });
      let inserted = "";
      const insert = (part: string) => {
        if (part === "") return;
        inserted += part;
        edit.append(part);
      };
      store.add(
        running.onEvent((event) => {
          say(generationText(event, formats));
          if (event.type !== "text") return;
          insert(text.push(event.text));
          if (text.ended) running.abort();
        }),
      );
      // What came before a failure stays in the document.
      const finish = () => {
        insert(text.end());
        return edit.finish();
      };
      const done = await running.done.catch(async (error: unknown) => {
        await finish();
        throw error;
      });
      await finish();
      const finishReason = text.ended && done.finishReason === "aborted" ? "stop" : done.finishReason;
      if (inserted === "" && finishReason !== "aborted") sayNothingCame(done.text);
      return { text: inserted, finishReason, figures: done.figures, document: document.uri.toString() };
    });
  } finally {
    store.dispose();
  }
}

function sayNothingCame(answer: string): void {
  const what = answer.trim() === "" ? "The model answered nothing." : "The model's answer has nothing to insert.";
  void vscode.window.showInformationMessage(`${what} Nothing was inserted. Say it in other words, or try again.`);
}
