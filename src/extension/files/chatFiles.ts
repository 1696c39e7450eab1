import type { Attachment, AttachmentView } from "../../common/attachments";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { ChatCommand, ChatToPage } from "../../protocol/chat";
import { type FilesCommand, type FilesSnapshot, filesCommands } from "../../protocol/chatFiles";
import type { AttachmentChip } from "../../protocol/page";
import type { AgentId, TurnId, TurnView } from "../../protocol/service";
import { TaskQueue } from "../pages/taskQueue";
import { Throttle } from "../pages/throttle";
import type { AgentFiles } from "./agentFiles";
import { attachmentChips, type DraftFile, isSent, sentAttachments, withFiles } from "./draftFiles";
import { namedPaths } from "./pathText";

/** What is read changes with every step of the engine; the page is told at most this often. */
const pinnedPeriodMs = 100;

export interface ChatFilesPorts {
  readonly files: AgentFiles;
  readonly page: { readonly live: boolean; post(update: ChatToPage): void };
  /** What the next message carries is different: it is to be read ahead and measured. */
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

export function isFilesCommand(command: ChatCommand): command is FilesCommand {
  return Object.hasOwn(filesCommands, command.type);
}

/** What went with a message, to be put back where the message comes back. */
export interface Taken {
  readonly files: readonly DraftFile[];
  readonly instead?: TurnId;
}

/** Files in one chat panel: what its draft carries, what its agent always has, and what its page asks for. */
export class ChatFiles implements Disposable {
  private readonly store = new DisposableStore();
  private readonly queue: TaskQueue;
  /** The message of this turn is being edited, and carries these. */
  private edited: { readonly turn: TurnId; files: readonly DraftFile[] } | undefined;
  /** Of the message that was to be edited last: what it carries may still be on its way. */
  private toEdit: TurnId | undefined;
  private readonly attachmentsOf = new Map<TurnId, readonly AttachmentView[]>();
  private newestSearch = 0;
  /** Of the attachments that were measured. */
  private readonly tokens = new WeakMap<DraftFile, number>();
  /** The message goes: what it carried is not to be replaced by a read-ahead without it. */
  private isLeaving = false;
  /** The message carries something, as far as is known. */
  isCarrying = false;

  constructor(
    private readonly agent: AgentId,
    private readonly ports: ChatFilesPorts,
  ) {
    const { files, onError } = ports;
    this.queue = new TaskQueue(onError);
    this.store.add(files.pinned.use(agent));
    const pinnedChanged = this.store.add(new Throttle(pinnedPeriodMs, () => this.queue.add(() => this.sendPinned())));
    this.store.add(
      files.pinned.onChange((id) => {
        if (id === agent) pinnedChanged.request();
      }),
    );
    this.store.add(
      files.pinned.onTold((id) => {
        if (id === agent) ports.onChange();
      }),
    );
    this.store.add(
      files.drafts.onChange((id) => {
        if (id === agent) this.changed();
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** What a snapshot says of files. */
  async snapshot(): Promise<FilesSnapshot> {
    const { files } = this.ports;
    const [held, pinnedFiles] = await Promise.all([this.held(), files.pinned.state(this.agent)]);
    this.isCarrying = sentAttachments(held).length > 0;
    return { attachments: this.chips(held), pinnedFiles };
  }

  /** The model is there now: what is attached can be counted. */
  measureAgain(): void {
    if (this.isCarrying) this.queue.add(() => this.sendAttachments());
  }

  /** Remembers what the messages of turns carry, to open it. */
  shown(turns: readonly TurnView[]): void {
    for (const { id, attachments } of turns) if (attachments) this.attachmentsOf.set(id, attachments);
  }

  async run(command: FilesCommand): Promise<void> {
    const { agent } = this;
    const { files, page } = this.ports;
    switch (command.type) {
      case "attach":
        return this.add(await files.attach(command.what));
      case "attachPaths":
        return this.add(await files.attaching.named(namedPaths(command.paths)));
      case "attachFound":
        return this.add(await files.attaching.named([{ name: command.path }]));
      case "detach":
        return this.change((held) => held.filter((_, index) => index !== command.index));
      case "openAttachment":
        return this.open(command);
      case "editing":
        return this.edit(command.turn);
      case "findFiles": {
        this.newestSearch = command.serial;
        const found = await files.workspace.find(command.query);
        if (this.newestSearch === command.serial)
          page.post({ type: "foundFiles", serial: command.serial, files: found });
        return;
      }
      case "pinFiles":
        return files.choosePins(agent);
      case "unpinFile":
        return files.pinned.with(agent, (pins) => pins.unpin(command.path));
      case "renewFiles":
        return files.pinned.with(agent, (pins) => pins.renew());
    }
  }

  /** Attaches to the message that is being written or edited. */
  async add(added: readonly DraftFile[]): Promise<void> {
    if (added.length > 0) await this.change((held) => withFiles(held, added));
  }

  /** What the message carries if it is sent now: what has changed in the pinned files, then what was attached. */
  async forMessage(instead?: TurnId): Promise<readonly Attachment[]> {
    // A page that was loaded again goes on editing.
    if (instead !== undefined) await this.edit(instead);
    const [changes, held] = await Promise.all([
      this.ports.files.changes(this.agent, instead),
      instead === undefined ? this.ports.files.drafts.get(this.agent) : this.held(),
    ]);
    return [...changes, ...sentAttachments(held)];
  }

  /** What is to be read ahead: nothing of an earlier message that is edited, since that one does not follow the head. */
  async ahead(): Promise<readonly Attachment[]> {
    return this.edited === undefined ? this.forMessage() : [];
  }

  /** The message goes: it takes what it carries with it. */
  async take(instead?: TurnId): Promise<Taken> {
    const files = await this.held();
    this.isLeaving = true;
    try {
      if (instead === undefined) await this.ports.files.drafts.change(this.agent, () => []);
      else await this.edit(undefined);
    } finally {
      this.isLeaving = false;
    }
    return instead === undefined ? { files } : { files, instead };
  }

  /** The message came back: an edited one is edited again. */
  async giveBack({ files, instead }: Taken): Promise<void> {
    if (instead === undefined) return this.ports.files.drafts.change(this.agent, (held) => withFiles(files, held));
    this.toEdit = instead;
    this.edited = { turn: instead, files };
    this.changed();
  }

  private held(): Promise<readonly DraftFile[]> {
    return this.edited === undefined ? this.ports.files.drafts.get(this.agent) : Promise.resolve(this.edited.files);
  }

  private async change(work: (held: readonly DraftFile[]) => readonly DraftFile[]): Promise<void> {
    if (this.edited === undefined) return this.ports.files.drafts.change(this.agent, work);
    this.edited.files = work(this.edited.files);
    this.changed();
  }

  /** An edited message keeps what it carried, but for what it told of changes in pinned files: that is told as it is now. */
  private async edit(turn: TurnId | undefined): Promise<void> {
    this.toEdit = turn;
    if (this.edited?.turn === turn) return;
    this.edited = undefined;
    if (turn !== undefined) {
      const views = this.attachmentsOf.get(turn) ?? [];
      const door = await this.ports.files.door();
      const files = await Promise.all(
        views.map(async ({ length: _, ...view }, index) => ({
          ...view,
          text: await door.attachmentText(this.agent, turn, index),
        })),
      );
      if (this.toEdit !== turn) return; // it was sent, or another one is edited now
      this.edited = { turn, files: files.filter(({ kind }) => kind !== "change") };
    }
    this.changed();
  }

  private async open({ turn, index }: { readonly turn?: TurnId; readonly index: number }): Promise<void> {
    const { files } = this.ports;
    if (turn === undefined) return files.opening.draft(this.agent, (await this.held())[index], index);
    return files.opening.sent(this.agent, turn, this.attachmentsOf.get(turn)?.[index], index);
  }

  private changed(): void {
    this.queue.add(() => this.sendAttachments());
    if (!this.isLeaving) this.ports.onChange();
  }

  private async sendAttachments(): Promise<void> {
    const { page } = this.ports;
    const held = await this.held();
    this.isCarrying = sentAttachments(held).length > 0;
    if (page.live) page.post({ type: "attachments", attachments: this.chips(held) });
    if ((await this.count(held)) && page.live) page.post({ type: "attachments", attachments: this.chips(held) });
  }

  private chips(held: readonly DraftFile[]): readonly AttachmentChip[] {
    return attachmentChips(held, (file) => this.tokens.get(file));
  }

  /** Counts their tokens, where the model is there to do that; false where nothing is new. */
  private async count(held: readonly DraftFile[]): Promise<boolean> {
    const sent = held.filter(isSent);
    if (sent.every((file) => this.tokens.has(file))) return false;
    const door = await this.ports.files.door();
    const size = await door.measureDraft(this.agent, "", this.edited?.turn, sentAttachments(sent));
    for (const [index, count] of (size?.attachmentTokens ?? []).entries()) {
      const file = sent[index];
      if (file) this.tokens.set(file, count);
    }
    return size?.attachmentTokens !== undefined && (await this.held()) === held;
  }

  private async sendPinned(): Promise<void> {
    const { files, page } = this.ports;
    if (!page.live) return;
    const state = await files.pinned.state(this.agent);
    page.post({ type: "pinnedFiles", files: state });
  }
}
