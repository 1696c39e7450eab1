import type { MessageDraft } from "../../protocol/chat";
import type { DraftSize } from "../../protocol/service";

interface Asked {
  readonly draft: MessageDraft;
  readonly serial: number;
}

/**
 * Measures the message that is being written: one at a time, and of those that came meanwhile the last one only. What was
 * overtaken is not told.
 */
export class DraftMeter {
  private newest: Asked | undefined;
  private measuring = false;

  constructor(
    private readonly measure: (draft: MessageDraft) => Promise<DraftSize | undefined>,
    /** A message without text may carry files. */
    private readonly carriesFiles: () => boolean,
    private readonly tell: (serial: number, size: DraftSize | undefined) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  ask(draft: MessageDraft, serial: number): void {
    this.newest = { draft, serial };
    this.again();
  }

  /** The message is gone: nothing of it is measured or told any more. */
  forget(): void {
    this.newest = undefined;
  }

  /** What the draft follows has changed, or the model is there now: measures it again, unless nothing is written. */
  again(): void {
    if (!this.measuring && this.newest !== undefined) void this.work();
  }

  private async work(): Promise<void> {
    this.measuring = true;
    for (let asked = this.newest; asked !== undefined; ) {
      const size = await this.sizeOf(asked.draft);
      const next: Asked | undefined = this.newest;
      if (next === asked) this.tell(asked.serial, size);
      asked = next === asked ? undefined : next;
    }
    if (this.newest !== undefined && this.isEmpty(this.newest.draft)) this.newest = undefined;
    this.measuring = false;
  }

  private isEmpty({ text }: MessageDraft): boolean {
    return text.trim() === "" && !this.carriesFiles();
  }

  private async sizeOf(draft: MessageDraft): Promise<DraftSize | undefined> {
    if (this.isEmpty(draft)) return undefined;
    try {
      return await this.measure(draft);
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }
}
