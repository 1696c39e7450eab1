import * as vscode from "vscode";
import type { Digest, FileChange, FileRef, FileText } from "../../acting/ports";
import { ResidentError } from "../../common/errors";
import { statOf } from "../files/statOf";
import { textOfBytes } from "../files/textOfBytes";
import { asDocument, isSameText, replacementOf } from "./editorText";
import { uriOf } from "./folders";

/** Most bytes that are read of one file. */
const mostBytes = 16 * 1024 * 1024;

const longestReloadMs = 3000;

/** Files as the editor has them: unsaved changes are what is read, and writes are edits that can be undone. */
export class EditorFiles {
  constructor(
    private readonly digest: Digest,
    /** Whether a file is saved when it was written. */
    private readonly isSaved: () => boolean,
  ) {}

  /** A document without changes of its own may be behind its file, which a command has just written: the file counts. */
  async read(file: FileRef): Promise<FileText> {
    const uri = uriOf(file);
    const open = openDocument(uri);
    if (open?.isDirty) return this.textOf(open.getText());
    const stat = await statOf(uri);
    if (stat === undefined) return { kind: "missing" };
    if ((stat.type & vscode.FileType.Directory) !== 0) return { kind: "folder" };
    if (stat.size > mostBytes) return { kind: "large", bytes: stat.size };
    const bytes = await vscode.workspace.fs.readFile(uri);
    if (bytes.byteLength > mostBytes) return { kind: "large", bytes: bytes.byteLength };
    const decoded = textOfBytes(bytes);
    if ("text" in decoded) return this.textOf(asDocument(decoded.text));
    if (decoded.is === "binary") return { kind: "binary", bytes: bytes.byteLength };
    // An encoding that only the person's settings know: the editor reads it.
    return this.textOf((await vscode.workspace.openTextDocument(uri)).getText());
  }

  async write(change: FileChange): Promise<"written" | "changed"> {
    const uri = uriOf(change.file);
    if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) {
      throw new ResidentError(
        "IO_FAILURE",
        `${change.file.shown} can only be read here`,
        "work in a folder that can be written",
      );
    }
    if (change.after === undefined) return this.remove(change, uri);
    return change.before === undefined
      ? this.create(change.after, uri)
      : this.replace(change.before, change.after, uri);
  }

  private async replace(before: string, after: string, uri: vscode.Uri): Promise<"written" | "changed"> {
    if (openDocument(uri) === undefined && (await statOf(uri)) === undefined) return "changed";
    const document = await vscode.workspace.openTextDocument(uri);
    if (!isSameText(document.getText(), before)) await this.catchUp(document);
    const now = document.getText();
    if (!isSameText(now, before) || !(await this.isAsOnDisk(document))) return "changed";
    const { start, end, text } = replacementOf(now, withEndsOf(document, after));
    const edit = new vscode.WorkspaceEdit();
    edit.replace(uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
    await apply(edit, uri);
    if (this.isSaved() && document.isDirty && !(await document.save())) throw notSaved(uri);
    return "written";
  }

  private async create(after: string, uri: vscode.Uri): Promise<"written" | "changed"> {
    if (openDocument(uri) !== undefined || (await statOf(uri)) !== undefined) return "changed";
    const edit = new vscode.WorkspaceEdit();
    edit.createFile(uri, { contents: new TextEncoder().encode(after) });
    await apply(edit, uri);
    return "written";
  }

  private async remove({ before, file }: FileChange, uri: vscode.Uri): Promise<"written" | "changed"> {
    const now = await this.read(file);
    if (now.kind !== "text" || before === undefined || !isSameText(now.text, before)) return "changed";
    const edit = new vscode.WorkspaceEdit();
    edit.deleteFile(uri);
    await apply(edit, uri);
    return "written";
  }

  /** VS Code notices a changed file after a while: resolves when it has, or takes too long. */
  private async catchUp(document: vscode.TextDocument): Promise<void> {
    for (const end = Date.now() + longestReloadMs; Date.now() < end && !(await this.isAsOnDisk(document)); ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Else saving would overwrite what somebody has just written. */
  private async isAsOnDisk(document: vscode.TextDocument): Promise<boolean> {
    if (document.isDirty) return true;
    const stat = await statOf(document.uri);
    if (stat === undefined || stat.size > mostBytes) return false;
    const decoded = textOfBytes(await vscode.workspace.fs.readFile(document.uri));
    return !("text" in decoded) || isSameText(decoded.text, document.getText());
  }

  private textOf(text: string): FileText {
    return { kind: "text", text, digest: this.digest(text) };
  }
}

/** The document that an editor or a language service has open; closed ones are read from their file system. */
function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  const wanted = uri.toString();
  return vscode.workspace.textDocuments.find((document) => !document.isClosed && document.uri.toString() === wanted);
}

function withEndsOf(document: vscode.TextDocument, text: string): string {
  const end = document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
  return text.replaceAll(/\r\n|\r|\n/g, end);
}

async function apply(edit: vscode.WorkspaceEdit, uri: vscode.Uri): Promise<void> {
  if (await vscode.workspace.applyEdit(edit)) return;
  throw new ResidentError(
    "IO_FAILURE",
    `the editor refused to change ${uri.path}`,
    "check that the file can be written",
    {
      path: uri.path,
    },
  );
}

function notSaved(uri: vscode.Uri): ResidentError {
  const what = `${uri.path} is changed in the editor, but could not be saved`;
  return new ResidentError("IO_FAILURE", what, "save it", { path: uri.path });
}
