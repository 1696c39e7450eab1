import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Clock, TokenId } from "../engine/ports";
import type { TurnId } from "../protocol/service";
import type { AgentWriter, ManifestChange } from "../store/agentWriter";
import type { Durability } from "../store/ports";
import { encodeRecord, type TurnRecord } from "./turnRecords";
import { countTokens, type TurnTree } from "./turnTree";

const commitTokens = 32;
const commitMs = 2000;

/** Puts an answer into the turn log as it is made, so that a crash costs at most the last tokens of it. */
export class AnswerRecorder {
  private ids: TokenId[] = [];
  private text = "";
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

  /** Why the last commit failed; what it was to save is still here and goes with the next. */
  get saveError(): ErrorInfo | undefined {
    return this.failed;
  }

  add(id: TokenId | undefined, text: string): void {
    if (id !== undefined) this.ids.push(id);
    this.text += text;
    this.added ||= id !== undefined;
    const isDue = this.ids.length >= commitTokens || this.clock.nowMs() - this.lastCommitMs >= commitMs;
    if (!isDue || this.committing) return;
    this.flush();
    this.committing = true;
    // What is said so far need not outlive a failure of the system at once: one wait for the disk less.
    void this.commit("whole").finally(() => {
      this.committing = false;
    });
  }

  /** Whether something was added to the answer. */
  get hasAnswer(): boolean {
    return this.added;
  }

  /**
   * Records what is left of the answer and how it ended, and commits; `head` is the manifest's then, where it is not the
   * turn. Does not reject: see `saveError`.
   */
  async finish(end: TurnRecord, head?: ManifestChange): Promise<void> {
    this.flush();
    this.record(end);
    this.writer.change(head ?? { headTokens: countTokens(this.tree, this.turn) });
    await this.commit("kept");
  }

  record(record: TurnRecord): void {
    this.tree.apply(record);
    const { body, tokens } = encodeRecord(record);
    this.writer.append(body, tokens);
  }

  private flush(): void {
    if (this.ids.length === 0 && this.text === "") return;
    this.record({ type: "answer", turn: this.turn, text: this.text, ids: Int32Array.from(this.ids) });
    this.ids = [];
    this.text = "";
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
