import * as vscode from "vscode";
import { type FileRef, type Problem, type Problems, problemSeverities } from "../../acting/ports";
import { statOf } from "../files/statOf";
import { refOf, uriOf } from "./folders";

/** Language services look at a file some time after it was opened or changed: no news for so long, and it is looked at. */
const quietMs = 400;
/** A service that says nothing at all is waited for no longer than this. */
const firstNewsMs = 1500;
const longestMs = 6000;

/** What the editor's language services say. A file that is asked for by name is opened for them first. */
export class EditorProblems implements Problems {
  async list(below: FileRef | undefined, signal: AbortSignal): Promise<readonly Problem[]> {
    const uri = below && uriOf(below);
    const isFile = uri !== undefined && ((await statOf(uri))?.type ?? 0) & vscode.FileType.File;
    const settling = settled(isFile ? uri : undefined, signal);
    if (uri !== undefined && isFile) await vscode.workspace.openTextDocument(uri);
    await settling;
    const all = vscode.languages.getDiagnostics().filter(([place]) => uri === undefined || isBelow(place, uri));
    return all.flatMap(([place, problems]) => {
      const ref = refOf(place);
      return ref === undefined ? [] : problems.map((problem) => problemOf(ref.shown, problem));
    });
  }
}

/** Resolves when no news has come for some time, of `uri` or of any file. */
function settled(uri: vscode.Uri | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let quiet = setTimeout(() => end(), uri === undefined ? quietMs : firstNewsMs);
    const longest = setTimeout(() => end(), longestMs);
    const listening = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      if (uri !== undefined && !uris.some((changed) => changed.toString() === uri.toString())) return;
      clearTimeout(quiet);
      quiet = setTimeout(() => end(), quietMs);
    });
    const end = () => {
      clearTimeout(quiet);
      clearTimeout(longest);
      listening.dispose();
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

function isBelow(place: vscode.Uri, above: vscode.Uri): boolean {
  if (place.toString() === above.toString()) return true;
  const start = above.path.endsWith("/") ? above.path : `${above.path}/`;
  return place.scheme === above.scheme && place.authority === above.authority && place.path.startsWith(start);
}

function problemOf(path: string, { range, severity, message, source, code }: vscode.Diagnostic): Problem {
  const value = typeof code === "object" ? code.value : code;
  const from = [source, value].filter((part) => part !== undefined && part !== "").join(" ");
  return {
    path,
    line: range.start.line + 1,
    severity: problemSeverities[severity] ?? "error",
    message,
    ...(from === "" ? {} : { source: from }),
  };
}
