import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { DroppedCall, ToolCall } from "../common/tools";
import type { Clock, TokenId } from "../engine/ports";
import type { TurnId } from "../protocol/service";
import type { AgentWriter, ManifestChange } from "../store/agentWriter";
import type { Durability } from "../store/ports";
import type { SaidPiece } from "../text/thinkingSplitter";
import { encodeRecord, type TurnRecord } from "./turnRecords";
import { countTokens, type TurnTree } from "./turnTree";

/** Each commit waits for the disk several times, and others wait behind it: commits go by time, whatever the speed. */
const commitMs = 2000;

/** Writes an answer into the turn log while it is generated, so that a crash loses at most its last two seconds. */
export class AnswerRecorder {
  private ids: TokenId[] = [];
  private text = "";
  private thought = "";
  /** All that was said of the answer; `undefined` while it is `text`. */
  private raw: string | undefined;
  private calls: ToolCall[] = [];
  private dropped: DroppedCall | undefined;
  private lastCommitMs: number;
  private committing = false;
  private added = false;
  private failed: ErrorInfo | undefined;

  constructor(
    private readonly turn: TurnId,
    private readonly tree: TurnTree,
    private readonly writer: AgentWriter,
    private readonly clock: Clock,
  ) {
    this.lastCommitMs = clock.nowMs();
  }

  /** Why the last commit failed. Its records are kept and written by the next commit. */
  get saveError(): ErrorInfo | undefined {
    return this.failed;
  }

  add(id: TokenId | undefined, { text, hidden, raw, calls, dropped }: SaidPiece): void {
    if (id !== undefined) this.ids.push(id);
    if (raw !== undefined) this.raw ??= this.text;
    if (this.raw !== undefined) this.raw += raw ?? text;
    if (calls !== undefined) this.calls.push(...calls);
    this.dropped = dropped ?? this.dropped;
    this.text += text;
    this.thought += hidden;
    this.added ||= id !== undefined || text !== "";
    if (this.clock.nowMs() - this.lastCommitMs < commitMs || this.committing) return;
    this.flush();
    this.committing = true;
    // A part of an answer need not survive a power failure, so this commit skips one wait for the disk.
    void this.commit("whole").finally(() => {
      this.committing = false;
    });
  }

  /** Whether something was added to the answer. */
  get hasAnswer(): boolean {
    return this.added;
  }

  /**
   * Records the rest of the answer and how it ended, and commits. `head`: the head to set, where it is not this turn.
   * Does not reject: see `saveError`.
   */
  async finish(end: TurnRecord, head?: ManifestChange): Promise<void> {
    this.flush();
    this.record(end);
    this.writer.change(
      head ?? { headTokens: countTokens(this.tree, this.turn), headCalls: this.tree.waitingAt(this.turn) },
    );
    await this.commit("kept");
  }

  record(record: TurnRecord): void {
    this.tree.apply(record);
    const { body, tokens } = encodeRecord(record);
    this.writer.append(body, tokens);
  }

  private flush(): void {
    const { turn, ids, thought, text, raw, calls, dropped } = this;
    const isEmpty = ids.length === 0 && thought === "" && text === "" && (raw ?? "") === "";
    if (isEmpty && calls.length === 0 && dropped === undefined) return;
    const parts = { ...(raw === undefined ? {} : { raw }), calls, ...(dropped === undefined ? {} : { dropped }) };
    this.record({ type: "answer", turn, thought, text, ...parts, ids: Int32Array.from(ids) });
    this.raw = undefined;
    this.calls = [];
    this.dropped = undefined;
    this.ids = [];
    this.text = "";
    this.thought = "";
  }

  private async commit(durability: Durability): Promise<void> {
    this.lastCommitMs = this.clock.nowMs();
    try {
      await this.writer.commit(durability);
      this.failed = undefined;
    } catch (error) {
      this.failed = toErrorInfo(error);
    }
  }
}
