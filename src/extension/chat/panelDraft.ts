import type { ChatCommand, ChatToPage, MessageDraft } from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import type { AgentId, DraftSize } from "../../protocol/service";
import { DraftMeter } from "./draftMeter";
import type { Drafts } from "./drafts";

export interface PanelDraftPorts {
  readonly drafts: Drafts;
  readonly measure: (draft: MessageDraft) => Promise<DraftSize | undefined>;
  /** A message without text may carry files. */
  readonly carriesFiles: () => boolean;
  readonly page: { readonly live: boolean; post(update: ChatToPage): void };
  readonly onError: (error: unknown) => void;
}

/** The message that is being written in one panel: what the page told of it, and what came back. */
export class PanelDraft {
  /** To be read ahead. Empty while an earlier message is edited: that one does not follow the head. */
  written = "";
  private readonly meter: DraftMeter;
  private wantsFocus = false;
  /** What was refused while no page was there to be told, and the messages that came back. */
  private readonly refused: { readonly message?: MessageDraft; readonly problem: Problem }[] = [];

  constructor(
    private readonly agent: AgentId,
    private readonly ports: PanelDraftPorts,
  ) {
    this.meter = new DraftMeter(
      ports.measure,
      ports.carriesFiles,
      (serial, size) => ports.page.post({ type: "draftSize", serial, ...(size && { size }) }),
      ports.onError,
    );
  }

  /** What an earlier panel of the agent had, or this one when its page told it last. */
  get kept(): MessageDraft | undefined {
    return this.ports.drafts.get(this.agent);
  }

  rested({ draft, instead, serial }: Extract<ChatCommand, { type: "readAhead" }>): void {
    const message: MessageDraft = instead === undefined ? { text: draft } : { text: draft, instead };
    this.ports.drafts.set(this.agent, message);
    this.meter.ask(message, serial);
    this.written = instead === undefined ? draft : "";
  }

  sent(): void {
    this.ports.drafts.set(this.agent, undefined);
    this.meter.forget();
  }

  /** What the draft follows has changed, or the model is there now. */
  measureAgain(): void {
    this.meter.again();
  }

  /** Something was attached to it by a command. */
  takeFocus(): void {
    this.wantsFocus = true;
  }

  giveBack(message: MessageDraft | undefined, problem: Problem): void {
    this.refused.push({ ...(message && { message }), problem });
  }

  /** Tells the page, if it is there, which messages came back, and to go to the message; else it waits for the next snapshot. */
  flush(): void {
    const { page } = this.ports;
    if (!page.live) return;
    for (const refused of this.refused.splice(0)) page.post({ type: "refused", ...refused });
    if (this.wantsFocus) page.post({ type: "focusMessage" });
    this.wantsFocus = false;
  }
}
