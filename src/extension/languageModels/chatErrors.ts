import { type ErrorCode, type ErrorInfo, toErrorInfo } from "../../common/errors";
import type { Formats } from "../../common/format";
import { withNumbers } from "../commands/errorNumbers";
import { sentence } from "../commands/errorText";
import type { ChatParts } from "./chatApi";

/** What helps in VS Code's chat, where it differs from what helps with an agent. */
const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  CONTEXT_FULL: "start a new chat, attach less, or switch tools off; a model with a longer context has more room",
  POOL_EXHAUSTED: "raise the setting resident.pool.sizeMB, start a new chat, or attach less",
  MODEL_NOT_FOUND: "choose another model in the chat's list, or get this one again with Resident: Get Model…",
  ENGINE_ENDED: "send the message again: the engine starts again by itself; Resident: Show Log says why it ended",
};

/** The failure in words, as the chat shows it: what happened with its numbers, and what to do. */
export function chatError(error: unknown, parts: ChatParts, formats: Formats): Error {
  const info = toErrorInfo(error);
  return parts.error(chatErrorText(info, formats), info.code);
}

export function chatErrorText(info: ErrorInfo, formats: Formats): string {
  return `${sentence(withNumbers(info, formats).what)} ${sentence(advice[info.code] ?? info.advice)}`;
}
