/** How long results may be, and what becomes of those that do not fit the context. */
import { ResidentError } from "../common/errors";
import type { ToolResult } from "../common/tools";
import type { AgentDetail } from "../protocol/service";
import { cutText, resultLengthFor } from "./results";

const leastLength = 600;
/** UTF-16 units of a token, with a reserve: code has about 3.5. */
const unitsOfToken = 2.5;

/** UTF-16 units for each of `count` results: together at most three long ones, and half of the room that is left. */
export function shareOf(
  { contextTokens, tokens }: Pick<AgentDetail, "contextTokens" | "tokens">,
  count: number,
): number {
  const single = resultLengthFor(contextTokens);
  const room = contextTokens <= 0 ? Number.POSITIVE_INFINITY : ((contextTokens - tokens) * unitsOfToken) / 2;
  return Math.max(leastLength, Math.floor(Math.min(single, Math.min(3 * single, room) / Math.max(1, count))));
}

/** The tokens that a message may have where one did not fit; `undefined`: that was not the reason. */
export function roomFor(error: unknown): number | undefined {
  if (!(error instanceof ResidentError) || error.code !== "CONTEXT_FULL") return undefined;
  const { room } = error.facts;
  return typeof room === "number" ? room : 0;
}

/** The results within `room` tokens, the long ones cut most; with each further attempt half of it. */
export function shorter(results: readonly ToolResult[], room: number, attempt: number): readonly ToolResult[] {
  let left = (room * unitsOfToken) / 2 ** (attempt + 1);
  const bySize = [...results].sort((one, other) => one.text.length - other.text.length);
  const lengths = new Map<string, number>();
  for (const [index, { call, text }] of bySize.entries()) {
    const share = Math.floor(left / (bySize.length - index));
    const length = Math.min(text.length, Math.max(40, share));
    lengths.set(call, length);
    left -= length;
  }
  return results.map((result) => ({
    ...result,
    text: cutText(result.text, lengths.get(result.call) ?? 0, "the context is nearly full"),
  }));
}
