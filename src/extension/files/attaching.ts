import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { AttachmentKind, LineRange } from "../../common/attachments";
import { InvalidRequestError } from "../../common/errors";
import { selectedLines } from "../editor/lineLabel";
import { digestOf } from "./digest";
import { type DraftFile, refusedFile } from "./draftFiles";
import { refusals } from "./fileReading";
import type { IgnoredFiles } from "./ignoredFiles";
import { listingText } from "./listing";
import { linesOf, type NamedPath } from "./pathText";
import { isOutside, pathOf, placeOf } from "./places";
import { type FoundProblem, problemsText } from "./problemsText";
import { readFile } from "./readFile";
import { withPlainLines } from "./textOfBytes";
import type { WorkspaceFiles } from "./workspaceFiles";

/** Makes attachments of what is in the workspace and in VS Code. */
export class Attaching {
  constructor(
    private readonly workspace: WorkspaceFiles,
    private readonly ignored: IgnoredFiles,
  ) {}

  /**
   * The selection of an editor. A selection that ends at the start of a line does not include that line. Throws
   * INVALID_REQUEST where nothing is selected.
   */
  selection(editor: vscode.TextEditor | undefined): DraftFile {
    if (!editor || editor.selection.isEmpty) {
      throw new InvalidRequestError("nothing is selected", "select text in an editor first");
    }
    const { document, selection } = editor;
    return attached("selection", pathOf(document.uri), document.getText(selection), selectedLines(selection));
  }

  /** What was dropped, pasted or chosen by name. Files outside the workspace only if the person agrees. */
  async named(paths: readonly NamedPath[], mayBeOutside = false): Promise<readonly DraftFile[]> {
    const places = await Promise.all(
      paths.map(async (path) => {
        const uri = await placeOf(path.name);
        return { path, uri, outside: uri !== undefined && (await isOutside(uri)) };
      }),
    );
    const outside = places.flatMap(({ uri, outside }) => (outside && uri ? [uri] : []));
    const isAllowed = mayBeOutside || (await mayRead(outside, "Attach"));
    const files: DraftFile[] = [];
    for (const { path, uri, outside } of places) {
      if (uri === undefined) files.push(refusedFile("file", path.name, refusals.missing, path.range));
      else if (isAllowed || !outside) files.push(await this.file(uri, path.range));
    }
    return files;
  }

  /** A file, lines of it, or the listing of a folder. `named`: it is open, and the person sees what it has. */
  async file(uri: vscode.Uri, range?: LineRange, { named = false } = {}): Promise<DraftFile> {
    const path = pathOf(uri);
    const ignored = named ? undefined : await this.ignored.whyIgnored(uri);
    if (ignored !== undefined) {
      return refusedFile("file", path, `${ignored} Select its text in an editor to attach it.`, range);
    }
    const reading = await readFile(uri);
    switch (reading.is) {
      case "folder":
        return this.folder(uri);
      case "missing":
        return refusedFile("file", path, refusals.missing, range);
      case "refused":
        return refusedFile("file", path, reading.problem, range);
      case "text": {
        if (range === undefined) return attached("file", path, reading.text);
        const lines = linesOf(reading.text, range);
        if (lines === "") return refusedFile("selection", path, "It has no such lines.", range);
        return attached("selection", path, lines, range);
      }
    }
  }

  async folder(uri: vscode.Uri): Promise<DraftFile> {
    const { paths, more } = await this.workspace.below(uri);
    const file = attached("folder", pathOf(uri), listingText(paths, more));
    return more ? { ...file, problem: "It has more files than its listing." } : file;
  }

  /** What the language services say of a file, in these lines or anywhere; where it has no problems, of all files. */
  problems(file: vscode.Uri | undefined, lines?: LineRange): DraftFile {
    const own = file === undefined ? [] : vscode.languages.getDiagnostics(file);
    const wanted = own.filter(({ range }) => {
      return lines === undefined || (range.start.line < lines.to && range.end.line >= lines.from - 1);
    });
    if (file !== undefined && wanted.length > 0) {
      const path = pathOf(file);
      const document = openDocument(file);
      const found = wanted.map((one) => [path, problemOf(one, document)] as const);
      return attached("problems", path, problemsText(found), lines);
    }
    const all = vscode.languages.getDiagnostics().flatMap(([uri, diagnostics]) => {
      const document = openDocument(uri);
      return diagnostics.slice(0, mostOfOneFile).map((one) => [pathOf(uri), problemOf(one, document)] as const);
    });
    const serious = all.filter(([, { severity }]) => severity === "error" || severity === "warning");
    if (serious.length === 0) {
      throw new InvalidRequestError("there are no problems", "attach a file or a selection instead");
    }
    return attached("problems", vscode.workspace.name ?? "the open files", problemsText(serious));
  }

  /**
   * The selection in the active terminal. VS Code gives extensions no other way to it than the clipboard, whose text is put
   * back.
   */
  async terminal(): Promise<DraftFile> {
    const terminal = vscode.window.activeTerminal;
    if (terminal === undefined) throw new InvalidRequestError("no terminal is open", "open one and select text in it");
    const { clipboard } = vscode.env;
    const before = await clipboard.readText();
    const mark = `resident ${randomUUID()}`;
    await clipboard.writeText(mark);
    let text = mark;
    try {
      await vscode.commands.executeCommand("workbench.action.terminal.copySelection");
      text = await clipboard.readText();
    } finally {
      await clipboard.writeText(before);
    }
    const lines = withPlainLines(text)
      .split("\n")
      .map((line) => line.trimEnd());
    const selected = lines.join("\n").trim();
    if (text === mark || selected === "") {
      throw new InvalidRequestError("nothing is selected in the terminal", "select text in it first");
    }
    return attached("terminal", terminal.name, selected);
  }
}

/** Of the problems of all files. */
const mostOfOneFile = 50;

function attached(kind: AttachmentKind, path: string, text: string, range?: LineRange): DraftFile {
  const plain = withPlainLines(text);
  if (plain.trim() === "") return refusedFile(kind, path, refusals.empty, range);
  return { kind, path, ...(range && { range }), digest: digestOf(plain), text: plain };
}

function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
}

/** Whether the person agrees to files outside the workspace; without a workspace nothing is outside. */
export async function mayRead(outside: readonly vscode.Uri[], verb: "Attach" | "Pin"): Promise<boolean> {
  if (outside.length === 0 || (vscode.workspace.workspaceFolders ?? []).length === 0) return true;
  const most = 5;
  const names = outside.slice(0, most).map(pathOf);
  const more = outside.length > most ? [`and ${outside.length - most} more`] : [];
  const [only] = names;
  const question =
    outside.length === 1 ? `${verb} "${only}"?` : `${verb} ${outside.length} files from outside the workspace?`;
  const detail = ["Outside the workspace:", ...names, ...more].join("\n");
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, verb)) === verb;
}

const severities = ["error", "warning", "information", "hint"] as const;

function problemOf(
  { range, severity, message, source, code }: vscode.Diagnostic,
  document: vscode.TextDocument | undefined,
): FoundProblem {
  const id = typeof code === "object" ? code.value : code;
  const { line, character } = range.start;
  const text = document !== undefined && line < document.lineCount ? document.lineAt(line).text : undefined;
  return {
    line: line + 1,
    column: character + 1,
    severity: severities[severity] ?? "information",
    message,
    source: [source, id].filter((part) => part !== undefined && part !== "").join(" "),
    ...(text === undefined ? {} : { code: text }),
  };
}
