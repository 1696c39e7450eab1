import type { Attachment } from "../../common/attachments";
import { type ErrorInfo, toErrorInfo } from "../../common/errors";
import type { MessageDraft } from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import type { AgentId, ResidentService, TurnId } from "../../protocol/service";
import { contextFullProblem } from "../commands/contextFull";

/** A message and what it carries. */
export interface SentMessage extends MessageDraft {
  readonly attachments?: readonly Attachment[];
}

export interface Sending {
  readonly door: Pick<ResidentService, "send" | "regenerate" | "getAgent">;
  readonly agent: AgentId;
  /** BCP 47 tag of the display language. */
  readonly language: string;
  /** It did not fit, and the conversation is as it was before it; the message is to be sent again by the person. */
  readonly onRefused: (message: MessageDraft | undefined, problem: Problem) => void;
}

/**
 * Resolves when the answer is under way, or the message was given back. A message that does not fit the context may be
 * refused at once or when its prompt was built; all other failures behind the start are their turn's to show.
 */
export async function sendMessage(sent: SentMessage, sending: Sending): Promise<void> {
  const { door, agent } = sending;
  const { attachments: _, ...message } = sent;
  try {
    const running = await door.send(agent, sent);
    running.done.catch((error: unknown) => giveBack(message, toErrorInfo(error), sending));
  } catch (error) {
    const info = toErrorInfo(error);
    if (info.code !== "CONTEXT_FULL") throw error;
    await giveBack(message, info, sending);
  }
}

/** An answer is made again; where it does not fit any more, its turn is gone and the older answer is there. */
export async function regenerateAnswer(turn: TurnId, sending: Sending): Promise<void> {
  const running = await sending.door.regenerate(sending.agent, turn);
  running.done.catch((error: unknown) => giveBack(undefined, toErrorInfo(error), sending));
}

async function giveBack(message: MessageDraft | undefined, error: ErrorInfo, sending: Sending): Promise<void> {
  if (error.code !== "CONTEXT_FULL") return;
  const { door, agent, language, onRefused } = sending;
  const now = await door.getAgent(agent, 1).catch(() => undefined);
  const refused = { turnCount: now?.turnCount ?? 0, isBelow: message !== undefined };
  onRefused(message, contextFullProblem(error, refused, language));
}
