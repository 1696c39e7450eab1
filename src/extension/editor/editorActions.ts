import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { ContentCommand } from "../../protocol/page";
import { lineLabel } from "./lineLabel";

export interface SelectedText {
  readonly text: string;
  readonly languageId: string;
  /** Path relative to the workspace, with the lines: "src/parse.ts:3-9". */
  readonly label: string;
}

/** What pages do to editors. While a page has the focus there is no active text editor, so the last active one is used. */
export class EditorActions implements Disposable {
  private readonly store = new DisposableStore();
  private last: vscode.TextEditor | undefined = vscode.window.activeTextEditor;

  constructor() {
    this.store.add(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) this.last = editor;
      }),
    );
    this.store.add(
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (this.last?.document === document) this.last = undefined;
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The text editor that had the focus last. */
  get editor(): vscode.TextEditor | undefined {
    return this.last;
  }

  /** The selection of the last text editor, if there is one and something is selected. */
  selection(): SelectedText | undefined {
    const editor = this.last;
    if (!editor || editor.selection.isEmpty) return undefined;
    const { document, selection } = editor;
    const path = vscode.workspace.asRelativePath(document.uri);
    return {
      text: document.getText(selection),
      languageId: document.languageId,
      label: `${path}:${lineLabel(selection)}`,
    };
  }

  async run(command: ContentCommand): Promise<void> {
    switch (command.type) {
      case "copy":
        return vscode.env.clipboard.writeText(command.text);
      case "insertAtCursor":
        return this.insertAtCursor(command.code);
      case "newFile":
        return newFile(command.code, command.language);
      case "openLink":
        await vscode.env.openExternal(vscode.Uri.parse(command.href, true));
        return;
    }
  }

  private async insertAtCursor(code: string): Promise<void> {
    if (!this.last) {
      throw new InvalidRequestError("no text editor is open to insert into", "open a file and place the cursor first");
    }
    const { document, selection, viewColumn } = this.last;
    const editor = await vscode.window.showTextDocument(document, {
      selection,
      ...(viewColumn === undefined ? {} : { viewColumn }),
    });
    const replaced = editor.selection;
    // A selection would grow with the text, and the next key would delete it.
    editor.selection = new vscode.Selection(replaced.end, replaced.end);
    const inserted = await editor.edit((edit) => edit.replace(replaced, code));
    if (!inserted) throw new InvalidRequestError("the editor refused the text", "check that the file can be written");
  }
}

async function newFile(content: string, language: string | undefined): Promise<void> {
  const known = language === undefined ? [] : await vscode.languages.getLanguages();
  const document = await vscode.workspace.openTextDocument({
    content,
    ...(language !== undefined && known.includes(language) ? { language } : {}),
  });
  await vscode.window.showTextDocument(document);
}
