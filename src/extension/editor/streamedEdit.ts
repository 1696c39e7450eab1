import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { ResidentError } from "../../common/errors";
import type { OffsetRange } from "./selectedRange";
import { TrackedInsertion } from "./trackedInsertion";

/** VS Code refuses an edit if the person types at the same moment. It is repeated at most this often in a row. */
const maxRefusals = 50;

/**
 * Streams text into a document, one edit at a time. Each edit goes after the one before, also when other edits move the
 * text. The first edit replaces a range; nothing changes before it. All edits share one undo step. Nothing stays
 * selected: the cursor ends up after the text, unless the person moves it. While no visible editor shows the document,
 * the text waits.
 */
export class StreamedEdit implements Disposable {
  private readonly store = new DisposableStore();
  private readonly tracked: TrackedInsertion;
  /** Start of the range that the first edit replaces. */
  private readonly start: TrackedInsertion;
  private readonly stop = new AbortController();
  private pending = "";
  private pumping: Promise<void> | undefined;
  private begun = false;

  constructor(
    private readonly document: vscode.TextDocument,
    range: OffsetRange,
  ) {
    this.start = new TrackedInsertion(range.start);
    this.tracked = new TrackedInsertion(range.end);
    this.store.add(
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document !== document) return;
        this.tracked.follow(event.contentChanges);
        if (!this.begun) this.start.follow(event.contentChanges);
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
    this.pumping.catch(() => {}); // `finish` rejects with it
  }

  /** Resolves when all text is in the document, or the document is closed. Text that waited for an editor becomes one edit. */
  async finish(): Promise<void> {
    await this.pumping;
    if (this.pending === "" || this.stop.signal.aborted) return;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(this.document.uri, this.range, this.take());
    this.begun = true;
    if (!(await vscode.workspace.applyEdit(edit))) throw refusedError();
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The range that the next edit replaces. */
  private get range(): vscode.Range {
    const end = this.document.positionAt(this.tracked.offset);
    return new vscode.Range(this.begun ? end : this.document.positionAt(this.start.offset), end);
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
    const { range, begun } = this;
    // A cursor moves along with inserted text. A selection would grow with it.
    if (!begun && !editor.selection.isEmpty) editor.selection = new vscode.Selection(range.end, range.end);
    try {
      return await editor.edit((edit) => (range.isEmpty ? edit.insert(range.end, text) : edit.replace(range, text)), {
        undoStopBefore: !begun,
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
