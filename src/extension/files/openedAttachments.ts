import * as vscode from "vscode";
import type { AttachmentView, LineRange } from "../../common/attachments";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { AgentId, TurnId } from "../../protocol/service";
import { attachmentScheme } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { digestOf } from "./digest";
import type { DraftFile } from "./draftFiles";
import type { KeptDraftFiles } from "./keptDraftFiles";
import { linesOf, placeLabel } from "./pathText";
import { placeOf } from "./places";
import { readFile } from "./readFile";

type Shown = Pick<AttachmentView, "kind" | "path" | "range" | "digest">;

export interface OpenedAttachmentsPorts {
  readonly service: ServiceHandle;
  readonly drafts: Pick<KeptDraftFiles, "get">;
}

/** Opens what messages carry: the file where it still has that text, else the text as it was sent, to be read only. */
export class OpenedAttachments implements Disposable, vscode.TextDocumentContentProvider {
  private readonly store = new DisposableStore();

  constructor(private readonly ports: OpenedAttachmentsPorts) {
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(attachmentScheme, this));
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Of a message that is not sent. What could not be attached is opened, if VS Code can. */
  async draft(agent: AgentId, file: DraftFile | undefined, index: number): Promise<void> {
    if (file === undefined) throw noSuchAttachment(index);
    if (file.text !== "") return this.open(file, addressOf(agent, file, { index }));
    const uri = await placeOf(file.path);
    if (uri === undefined) throw new InvalidRequestError(`${file.path} is not there`, "take it away");
    await vscode.commands.executeCommand("vscode.open", uri);
  }

  /** Of the message of a turn. */
  async sent(agent: AgentId, turn: TurnId, view: AttachmentView | undefined, index: number): Promise<void> {
    if (view === undefined) throw noSuchAttachment(index);
    return this.open(view, addressOf(agent, view, { turn, index }));
  }

  /** Also after a reload, which shows the document again. */
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const query = new URLSearchParams(uri.query);
    const [turn, digest, index] = [query.get("turn"), query.get("digest"), Number(query.get("index"))];
    if (turn !== null) return (await this.ports.service.get()).attachmentText(uri.authority, turn, index);
    const files = await this.ports.drafts.get(uri.authority);
    return files.find((file) => file.digest === digest)?.text ?? "";
  }

  private async open(shown: Shown, address: vscode.Uri): Promise<void> {
    const uri = shown.kind === "selection" || shown.kind === "file" ? await placeOf(shown.path) : undefined;
    if (uri !== undefined && (await hasStill(uri, shown))) return show(uri, shown.range);
    return show(address);
  }
}

async function hasStill(uri: vscode.Uri, { range, digest }: Shown): Promise<boolean> {
  const reading = await readFile(uri);
  if (reading.is !== "text") return false;
  if (range === undefined) return reading.digest === digest;
  const lines = linesOf(reading.text, range);
  // A selection may begin and end inside lines, and ends with or without the end of its last line.
  return digestOf(lines) === digest || digestOf(lines.replace(/\n$/, "")) === digest;
}

async function show(uri: vscode.Uri, range?: LineRange): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const selection = range && new vscode.Range(range.from - 1, 0, range.to - 1, Number.MAX_SAFE_INTEGER);
  await vscode.window.showTextDocument(document, {
    ...(selection && { selection: document.validateRange(selection) }),
  });
}

/** The title of the tab is the file's name, with the lines: its ending gives it its language. */
function addressOf(
  agent: AgentId,
  { kind, path, range, digest }: Shown,
  place: { readonly turn?: TurnId; readonly index: number },
): vscode.Uri {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const query = new URLSearchParams({ index: String(place.index), digest });
  if (place.turn !== undefined) query.set("turn", place.turn);
  const title =
    kind === "change" ? `${name}.diff` : range === undefined ? name : `${placeLabel("", range).slice(1)} ${name}`;
  return vscode.Uri.from({ scheme: attachmentScheme, authority: agent, path: `/${title}`, query: query.toString() });
}

function noSuchAttachment(index: number): InvalidRequestError {
  return new InvalidRequestError(`there is no attachment ${index + 1}`, "choose one that is shown");
}
