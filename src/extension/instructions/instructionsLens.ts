import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { createFormats } from "../../common/format";
import type { AgentId } from "../../protocol/service";
import type { Failures } from "../commands/failures";
import { commands, instructionsScheme } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { agentOfAddress } from "./instructionsAddress";
import { instructionsLensText } from "./instructionsLensText";

/** Shows tokens and a link to the chat above instructions. Sets their language, because the title has no file extension. */
export class InstructionsLens implements Disposable, vscode.CodeLensProvider {
  private readonly store = new DisposableStore();
  private readonly changes = this.store.add(new vscode.EventEmitter<void>());
  /** How many turns an agent had when its instructions were saved. */
  private readonly savedAt = new Map<AgentId, number>();

  readonly onDidChangeCodeLenses = this.changes.event;

  constructor(
    private readonly service: ServiceHandle,
    private readonly failures: Failures,
  ) {
    this.store.add(vscode.languages.registerCodeLensProvider({ scheme: instructionsScheme }, this));
    this.store.add(vscode.workspace.onDidOpenTextDocument((document) => setLanguage(document)));
    for (const document of vscode.workspace.textDocuments) setLanguage(document);
    this.store.add(
      vscode.workspace.onDidSaveTextDocument((document) => {
        if (document.uri.scheme === instructionsScheme) this.noteSave(document);
      }),
    );
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "turnEnded") this.changes.fire();
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const id = agentOfAddress(document.uri);
    if (id === undefined) return [];
    const door = await this.service.get();
    const text = document.getText();
    const [{ turnCount }, size] = await Promise.all([door.getAgent(id, 1), door.measureDraft(id, text)]);
    const title = instructionsLensText(
      {
        characters: text.length,
        tokens: size?.draftTokens,
        isDirty: document.isDirty,
        isUnread: this.savedAt.get(id) === turnCount,
        turns: turnCount,
      },
      createFormats(vscode.env.language),
    );
    const top = new vscode.Range(0, 0, 0, 0);
    return [
      new vscode.CodeLens(top, { title, command: "" }),
      new vscode.CodeLens(top, { title: "Open Chat", command: commands.openAgent, arguments: [{ agent: id }] }),
    ];
  }

  private noteSave(document: vscode.TextDocument): void {
    const id = agentOfAddress(document.uri);
    if (id === undefined) return;
    const noting = this.service.get().then((door) => door.getAgent(id, 1));
    noting.then(
      ({ turnCount }) => {
        this.savedAt.set(id, turnCount);
        this.changes.fire();
      },
      (error: unknown) => this.failures.note(error),
    );
  }
}

function setLanguage(document: vscode.TextDocument): void {
  if (document.uri.scheme !== instructionsScheme || document.languageId === "markdown") return;
  void vscode.languages.setTextDocumentLanguage(document, "markdown");
}
