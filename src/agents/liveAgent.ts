import type { PinnedFile } from "../common/attachments";
import { type ErrorInfo, InvalidRequestError, ResidentError } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import type { AgentDetail, AgentSummary, TurnId } from "../protocol/service";
import type { AgentWriter, ManifestChange } from "../store/agentWriter";
import type { Manifest } from "../store/manifest";
import type { PromptFrame } from "../text/prompt";
import type { AgentCache } from "./agentCache";
import { frameOf } from "./agentFrame";
import type { SavedCache } from "./cacheRestore";
import { Conversation } from "./conversation";
import { FilesReading } from "./filesReading";
import { FrameSize } from "./frameSize";
import { filesRecord, isSameFiles, viewsOf } from "./pinnedFiles";
import type { RunningAnswer } from "./runningAnswer";
import { copyOfLastTurns } from "./startOver";
import { detailOf, type LiveState, summaryOf } from "./summaries";
import { isStep } from "./turnInput";
import { encodeRecord, type LogRecord, type TurnRecord } from "./turnRecords";
import { countTokens, type Turn, type TurnTree } from "./turnTree";

/** A turn that is being answered. */
export interface Activity {
  readonly answer: RunningAnswer;
  readonly turn: TurnId;
  state: Exclude<AgentSummary["state"], "idle">;
}

export interface Work {
  /** What is done, for people: "is being summarised". */
  readonly what: string;
  abort(): void;
  readonly over: Promise<unknown>;
}

/** An agent that this process may write: its turns are in memory and its folder is locked. */
export class LiveAgent {
  readonly conversation: Conversation;
  activity: Activity | undefined;
  /** Number of running calls that use the agent. */
  users = 0;
  /** State of the running read-ahead. */
  readAhead: "restoring" | "reading" | undefined;
  /** How far it has read, in tokens. */
  reading: AgentSummary["reading"];
  readonly filesReading = new FilesReading();
  /** Resolves when other pinned files are on disk or refused. A message waits for it: both append to the log. */
  filesCommitted: Promise<void> = Promise.resolve();
  readonly frameSize: FrameSize;
  /** Work on its conversation during which nothing else may change it. */
  work: Work | undefined;
  /** Resolves when the last turn is over. */
  over: Promise<void> = Promise.resolve();
  /** Why the last save failed; cleared by the next that succeeds. */
  saveError: ErrorInfo | undefined;
  deleted = false;

  constructor(
    readonly writer: AgentWriter,
    readonly cache: AgentCache,
    readonly tree: TurnTree,
  ) {
    this.conversation = new Conversation(tree);
    this.frameSize = new FrameSize(writer, tree);
  }

  get id(): string {
    return this.writer.manifest.id;
  }

  get head(): TurnId | undefined {
    return this.writer.manifest.head;
  }

  get headTurn(): Turn | undefined {
    return this.head === undefined ? undefined : this.tree.get(this.head);
  }

  get name(): string {
    return this.writer.manifest.name;
  }

  /** What stands around its messages in all its prompts. */
  get frame(): PromptFrame {
    return frameOf(this.writer.manifest, this.tree.files);
  }

  /** Its next prompt may have other pinned files than the history. */
  get mayHaveFiles(): boolean {
    return this.tree.files.length > 0 || this.filesReading.isOpen;
  }

  /** Tokens of the cache that are kept for a branch from the beginning: pinned files stand before it too, and are long. */
  get tokensBeforeAll(): number {
    return this.tree.files.length > 0 ? this.frameSize.tokens : 0;
  }

  get saved(): SavedCache {
    const { cache } = this.writer.manifest;
    return {
      manifest: cache,
      keys: (identity) => this.writer.keys.saved(identity, cache?.keyRecords ?? 0),
      tailPath: (generation) => this.writer.tailPath(generation),
      continuations: (tokens, start, count, prompts) => this.conversation.continuations(tokens, start, count, prompts),
    };
  }

  summary(): AgentSummary {
    return summaryOf(this.counted, this.liveState());
  }

  detail(newestTurns?: number): AgentDetail {
    return detailOf(this.counted, this.tree, this.liveState(), newestTurns);
  }

  /** With what was counted since it was committed. */
  private get counted(): Manifest {
    return { ...this.writer.manifest, ...this.frameSize.counts };
  }

  /** Throws AGENT_BUSY while a turn is being answered or other work needs the conversation as it is. */
  assertIdle(): void {
    if (this.activity === undefined) {
      if (this.work === undefined) return;
      throw new ResidentError(
        "AGENT_BUSY",
        `${this.name} ${this.work.what}`,
        "wait until that is done, or stop it first",
        {
          agent: this.id,
        },
      );
    }
    throw new ResidentError("AGENT_BUSY", `${this.name} is still answering`, "wait for the answer or stop it first", {
      agent: this.id,
    });
  }

  /** Stops its answer and other work on it. */
  stop(): void {
    this.activity?.answer.abort();
    this.work?.abort();
  }

  turn(id: TurnId): Turn {
    const turn = this.tree.get(id);
    if (turn !== undefined) return turn;
    throw new InvalidRequestError(`${this.name} has no turn ${id}`, "choose one of the agent's turns", { turn: id });
  }

  /**
   * Commits a new message behind `parent` and makes it the head. The turn is in the tree at once: its prompt is read during
   * the commit. When the commit fails, the turn does not exist.
   */
  async addTurn(id: TurnId, parent: TurnId | undefined, input: readonly ChatMessage[], at: number): Promise<void> {
    const base = { type: "turn", turn: id, input, at } as const;
    const record: TurnRecord = parent === undefined ? base : { ...base, parent };
    const headTurns = this.tree.turnCount(parent) + (isStep({ input }) ? 0 : 1);
    const { withMessage } = this.frameSize;
    await this.commitRecords([record], { head: id, headTurns, headCalls: 0, lastUsedAt: at, ...withMessage });
  }

  /** Commits other pinned files. They stand in its prompts from the next one on. */
  setFiles(files: readonly PinnedFile[]): Promise<void> {
    const committed = this.filesCommitted.then(() => this.commitFiles(files));
    this.filesCommitted = committed.catch(() => {});
    return committed;
  }

  private async commitFiles(files: readonly PinnedFile[]): Promise<void> {
    this.assertIdle();
    const { tree, writer, frameSize } = this;
    const before = tree.files;
    if (isSameFiles(files, before)) return;
    const { files: counted, instructionTokens } = frameSize.counts;
    const { headFrameTokens = 0 } = writer.manifest;
    const change = { instructionTokens, headFrameTokens: frameSize.headTokens };
    const undo = { files: counted, instructionTokens, headFrameTokens };
    const tokens = new Map(counted.map((view) => [view.digest, view.tokens]));
    const record = filesRecord(files, before);
    tree.apply(record);
    // A file that was counted before is the same object.
    const views = viewsOf(tree.files, (file) => (before.includes(file) ? tokens.get(file.digest) : undefined));
    try {
      await writer.appendOrUndo([encodeRecord(record)], { ...change, files: views }, undo);
    } catch (error) {
      tree.files = before;
      throw error;
    }
  }

  /** Commits a change of what stands before the conversation. */
  async changeFrame(change: ManifestChange, undo: ManifestChange): Promise<void> {
    const { counts, headTokens } = this.frameSize;
    const { modelDirectory, headFrameTokens = 0 } = this.writer.manifest;
    const isOtherModel = (change.modelDirectory ?? modelDirectory) !== modelDirectory;
    const known = isOtherModel
      ? { files: viewsOf(this.tree.files), headFrameTokens: 0 }
      : { files: counts.files, headFrameTokens: headTokens };
    await this.writer.commitOrUndo(
      { ...change, ...known, instructionTokens: 0 },
      { ...undo, ...counts, headFrameTokens },
    );
  }

  /** Commits `records`, a copy of the head's turn, and makes the copy the head. */
  async addCopy(records: readonly TurnRecord[], id: TurnId, at: number): Promise<void> {
    const { headTurns, headTokens } = this.writer.manifest;
    await this.commitRecords(records, { head: id, headTurns, headTokens, headCalls: 0, lastUsedAt: at });
  }

  /**
   * Commits copies of the last `count` answered turns of the branch at the head as a branch of its own, and makes it
   * the head. Its text is read again with the next message. Throws INVALID_REQUEST where there are fewer turns.
   */
  async startOverWith(count: number, at: number): Promise<void> {
    const records = copyOfLastTurns(this.tree, this.head, count, at);
    await this.commitRecords(records, { ...endOf(records), headTurns: count, headTokens: 0, lastUsedAt: at });
  }

  /**
   * Commits turns that are read as text with the next message, and makes the last one the head: those of another agent's log,
   * or a summary with the turns behind it.
   */
  async addTexts(records: readonly TurnRecord[], at: number): Promise<void> {
    const headTurns = records.filter((record) => record.type === "turn" && !isStep(record)).length;
    await this.commitRecords(records, { ...endOf(records), headTurns, headTokens: 0, lastUsedAt: at });
  }

  /** Commits turns that keep their prompts. With `head` that turn, of these or an earlier one, becomes the head. */
  async addBranch(records: readonly TurnRecord[], head: TurnId | undefined, at: number): Promise<void> {
    await this.commitRecords(records, () => (head === undefined ? {} : { ...this.headAt(head), lastUsedAt: at }));
  }

  /** What the manifest says of a head. */
  headAt(head: TurnId | undefined) {
    const { tree } = this;
    return {
      head: head ?? null,
      headTokens: countTokens(tree, head),
      headTurns: tree.turnCount(head),
      headCalls: tree.waitingAt(head),
    };
  }

  /** A change that depends on the new turns is a function. */
  private async commitRecords(
    records: readonly LogRecord[],
    change: ManifestChange | (() => ManifestChange),
  ): Promise<void> {
    const { head = null, headTurns, headTokens, headCalls = 0, lastUsedAt } = this.writer.manifest;
    const undo = { head, headTurns, headTokens, headCalls, lastUsedAt };
    for (const record of records) this.tree.apply(record);
    try {
      const changed = typeof change === "function" ? change() : change;
      await this.writer.appendOrUndo(records.map(encodeRecord), changed, undo);
    } catch (error) {
      for (const record of records) if (record.type === "turn") this.tree.withdraw(record.turn);
      throw error;
    }
  }

  private liveState(): LiveState {
    return {
      state: this.activity?.state ?? (this.work === undefined ? (this.readAhead ?? "idle") : "reading"),
      hotTokens: this.cache.hotTokens,
      lockedElsewhere: false,
      ...(this.reading === undefined ? {} : { reading: this.reading }),
      ...(this.filesReading.taken === undefined ? {} : { filesRead: this.filesReading.taken }),
      ...(this.activity === undefined ? {} : { runningTurn: this.activity.turn }),
      ...(this.saveError === undefined ? {} : { saveError: this.saveError }),
    };
  }
}

/** The head behind copied turns, and its calls that wait for results. */
function endOf(records: readonly TurnRecord[]): Pick<ManifestChange, "head" | "headCalls"> {
  const last = records.at(-1);
  const waits = last?.type === "end" && last.state === "done" && last.finishReason === "calls";
  const answer = records.filter((record) => record.type === "answer").at(-1);
  return { head: last?.turn ?? null, headCalls: waits ? (answer?.calls?.length ?? 0) : 0 };
}
