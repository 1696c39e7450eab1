import type { ChatMessage } from "./messages";
import { joinRenderings, type Rendering, renderingTo } from "./saidAnswers";

/** Marks the beginning and end of a draft while it is rendered. A noncharacter, like the escape (markedText.ts). */
const draftMark = "\uFDD1";

/** The last message is still being written. */
export function withDraftMarks(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.map((message, i) =>
    i < messages.length - 1 ? message : { ...message, content: draftMark + message.content + draftMark },
  );
}

/** `undefined`: the template does not render the message as it is, so nothing is known ahead. */
export function cutAtDraft(
  rendering: Rendering,
): { readonly before: Rendering; readonly withDraft: Rendering } | undefined {
  const { text } = rendering;
  const end = text.lastIndexOf(draftMark);
  const start = text.lastIndexOf(draftMark, end - 1);
  if (start < 0 || start === end) return undefined;
  const before = renderingTo(rendering, start);
  const draft = { text: text.slice(start + draftMark.length, end), answers: [] };
  return { before, withDraft: joinRenderings(before, draft) };
}
