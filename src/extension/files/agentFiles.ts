import type * as vscode from "vscode";
import type { Attachment } from "../../common/attachments";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { AttachWay } from "../../protocol/chatFiles";
import type { AgentId, ResidentService, TurnId } from "../../protocol/service";
import type { EditorActions } from "../editor/editorActions";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { PinWish } from "./agentPins";
import { Attaching, mayRead } from "./attaching";
import type { DraftFile } from "./draftFiles";
import { IgnoredFiles } from "./ignoredFiles";
import type { KeptDraftFiles } from "./keptDraftFiles";
import { OpenedAttachments } from "./openedAttachments";
import { pickFiles, pickInFolder } from "./pickFiles";
import { PinnedFiles } from "./pinnedFiles";
import type { PinSources } from "./pinSources";
import { isOutside, pathOf, placeOf } from "./places";
import type { SaveHistory } from "./saveHistory";
import { WorkspaceFiles } from "./workspaceFiles";

export interface AgentFilesPorts {
  readonly service: ServiceHandle;
  readonly editors: EditorActions;
  readonly drafts: KeptDraftFiles;
  readonly sources: PinSources;
  readonly saves: SaveHistory;
  readonly onError: (error: unknown) => void;
}

/** Files in agents' contexts, in this window. */
export class AgentFiles implements Disposable {
  private readonly store = new DisposableStore();
  readonly drafts: KeptDraftFiles;
  readonly pinned: PinnedFiles;
  readonly workspace: WorkspaceFiles;
  readonly attaching: Attaching;
  readonly opening: OpenedAttachments;
  private readonly ignored: IgnoredFiles;

  constructor(private readonly ports: AgentFilesPorts) {
    const { service, sources, saves, onError } = ports;
    this.drafts = ports.drafts;
    this.ignored = this.store.add(new IgnoredFiles());
    this.workspace = this.store.add(new WorkspaceFiles(this.ignored, onError));
    this.pinned = this.store.add(new PinnedFiles({ service, sources, saves, onError }));
    this.attaching = new Attaching(this.workspace, this.ignored);
    this.opening = this.store.add(new OpenedAttachments({ service, drafts: ports.drafts }));
  }

  dispose(): void {
    this.store.dispose();
  }

  door(): Promise<ResidentService> {
    return this.ports.service.get();
  }

  /** What the next message to an agent tells of its pinned files. Nothing is read for an agent that has none. */
  async changes(agent: AgentId, instead?: TurnId): Promise<readonly Attachment[]> {
    return this.pinned.with(agent, (pins) => pins.changes(instead));
  }

  /** Asks where there is a choice; nothing where the person changes their mind. */
  async attach(what: AttachWay): Promise<readonly DraftFile[]> {
    const { editor } = this.ports.editors;
    switch (what) {
      case "selection":
        return [this.attaching.selection(editor)];
      case "file":
        if (!editor) throw new InvalidRequestError("no text editor is open", "open a file first");
        return [await this.attaching.file(editor.document.uri, undefined, { named: true })];
      case "problems":
        return [this.attaching.problems(editor?.document.uri)];
      case "terminal":
        return [await this.attaching.terminal()];
      case "folder":
        return this.attachFolder();
      case "pick": {
        const paths = await pickFiles(this.workspace, { title: "Attach Files", only: "files", many: true });
        return this.attaching.named((paths ?? []).map((name) => ({ name })));
      }
    }
  }

  private async attachFolder(): Promise<readonly DraftFile[]> {
    const [folder] =
      (await pickFiles(this.workspace, { title: "Attach a Folder", only: "folders", many: false })) ?? [];
    const uri = folder === undefined ? undefined : await placeOf(folder);
    if (folder === undefined || uri === undefined) return [];
    const { paths } = await this.workspace.below(uri);
    const chosen = await pickInFolder(folder, paths);
    if (chosen === undefined) return [];
    const listing = chosen.listing ? [await this.attaching.folder(uri)] : [];
    return [...listing, ...(await this.attaching.named(chosen.paths.map((path) => ({ name: `${folder}/${path}` }))))];
  }

  /** The person chooses files that the agent shall always have. */
  async choosePins(agent: AgentId): Promise<void> {
    const paths = await pickFiles(this.workspace, { title: "Pin Files", only: "files", many: true });
    if (paths === undefined || paths.length === 0) return;
    const uris = await Promise.all(paths.map(placeOf));
    await this.pin(
      agent,
      uris.filter((uri) => uri !== undefined),
    );
  }

  /** Files and what is in folders. What is ignored is told as refused, what is outside is asked. */
  async pin(agent: AgentId, uris: readonly vscode.Uri[], mayBeOutside = false): Promise<void> {
    const outside = (await Promise.all(uris.map(async (uri) => ((await isOutside(uri)) ? [uri] : [])))).flat();
    const isAllowed = mayBeOutside || (await mayRead(outside, "Pin"));
    const wishes: PinWish[] = [];
    const refused: { path: string; problem: string }[] = [];
    for (const uri of uris) {
      if (!isAllowed && outside.includes(uri)) continue;
      const problem = uri.scheme === "untitled" ? "It was never saved." : await this.ignored.whyIgnored(uri);
      if (problem === undefined) wishes.push({ path: pathOf(uri), file: uri.toString() });
      else refused.push({ path: pathOf(uri), problem });
    }
    await this.pinned.with(agent, (pins) => pins.pin(wishes, refused));
  }
}
