import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { ResidentError } from "../../common/errors";
import { TrackedInsertion } from "./trackedInsertion";

/** A refused edit is tried again, since what the person typed at the same moment refuses it; not for ever. */
const maxRefusals = 50;

/**
 * Streams text into a document: one edit at a time, in order, behind what was inserted before, wherever other edits
 * move it. All edits join the first one's undo step, so one undo removes them all. While the document is in no visible
 * editor, text waits.
 */
export class StreamedEdit implements Disposable {
  private readonly store = new DisposableStore();
  private readonly tracked: TrackedInsertion;
  private readonly stop = new AbortController();
  private pending = "";
  private pumping: Promise<void> | undefined;
  private begun = false;

  constructor(
    private readonly document: vscode.TextDocument,
    offset: number,
  ) {
    this.tracked = new TrackedInsertion(offset);
    this.store.add(
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document === document) this.tracked.follow(event.contentChanges);
      }),
    );
    this.store.add(
      vscode.workspace.onDidCloseTextDocument((closed) => {
        if (closed === document) this.stop.abort();
      }),
    );
  }

  /** Aborted when the document is closed: nothing can be inserted any more. */
  get closed(): AbortSignal {
    return this.stop.signal;
  }

  append(text: string): void {
    this.pending += text;
    if (this.pumping) return;
    this.pumping = this.pump().finally(() => {
      this.pumping = undefined;
    });
    this.pumping.catch(() => {}); // `finish` tells it
  }

  /** Resolves when all text is in the document, or that is closed. Text that no visible editor could take goes in as one edit of its own. */
  async finish(): Promise<void> {
    await this.pumping;
    if (this.pending === "" || this.stop.signal.aborted) return;
    const edit = new vscode.WorkspaceEdit();
    edit.insert(this.document.uri, this.document.positionAt(this.tracked.offset), this.take());
    if (!(await vscode.workspace.applyEdit(edit))) throw refusedError();
  }

  dispose(): void {
    this.store.dispose();
  }

  private take(): string {
    const text = this.pending;
    this.pending = "";
    return text;
  }

  private async pump(): Promise<void> {
    let refusals = 0;
    while (this.pending !== "" && !this.stop.signal.aborted) {
      const editor = vscode.window.visibleTextEditors.find(({ document }) => document === this.document);
      if (!editor) return;
      const text = this.take();
      if (await this.insert(editor, text)) {
        this.begun = true;
        refusals = 0;
      } else {
        this.pending = text + this.pending;
        if (++refusals > maxRefusals) throw refusedError();
      }
    }
  }

  private async insert(editor: vscode.TextEditor, text: string): Promise<boolean> {
    try {
      return await editor.edit((edit) => edit.insert(this.document.positionAt(this.tracked.offset), text), {
        undoStopBefore: !this.begun,
        undoStopAfter: false,
      });
    } catch {
      return false; // the editor went away while the edit was on its way
    }
  }
}

function refusedError(): ResidentError {
  return new ResidentError(
    "IO_FAILURE",
    "the document refused the text",
    "check that it can be written, and try again",
  );
}
