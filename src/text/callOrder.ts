import type { ChatMessage } from "../common/messages";

/** The messages with results in the order of the calls that they answer; those of other calls stand behind. */
export function inCallOrder(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const ordered = [...messages];
  for (const [index, message] of messages.entries()) {
    if (message.role !== "assistant" || (message.calls?.length ?? 0) < 2) continue;
    const places = new Map(message.calls?.map(({ id }, place) => [id, place]));
    let behind = index + 1;
    while (messages[behind]?.role === "tool") behind += 1;
    const placeOf = (result: ChatMessage) =>
      (result.role === "tool" ? places.get(result.call) : undefined) ?? Number.MAX_SAFE_INTEGER;
    const results = messages.slice(index + 1, behind).sort((a, b) => placeOf(a) - placeOf(b));
    ordered.splice(index + 1, results.length, ...results);
  }
  return ordered;
}
