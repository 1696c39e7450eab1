import type { ServerAnswer, ServerPiece } from "../common/serverAnswer";
import type { ToolCall, ToolSpec } from "../common/tools";
import { toolFormats } from "../text/tools/formats";
import { type DroppedCall, type Parsed, ToolCallParser } from "../text/tools/parser";

/**
 * Finds the calls that a server leaves in its text, because it does not know how its model writes them: between marks, or
 * as JSON that is nothing else than calls of declared tools. The text comes without them.
 */
export class ServerTextCalls {
  private readonly parser: ToolCallParser;
  private readonly calls: ToolCall[] = [];
  private readonly dropped: DroppedCall[] = [];

  constructor(
    tools: readonly ToolSpec[],
    newId: () => string,
    private readonly onPiece: (piece: ServerPiece) => void,
  ) {
    // Of a server's text no ids are known: marks count as they are spelt.
    this.parser = new ToolCallParser({ format: toolFormats.hermes, tools, idOf: () => undefined, newId });
  }

  take(piece: ServerPiece): void {
    if (piece.type === "text") this.add(this.parser.push(undefined, piece.text));
    else this.onPiece(piece);
  }

  /** The answer with the calls of its text. A call that came in both ways counts once. */
  end(answer: ServerAnswer): ServerAnswer {
    this.add(this.parser.finish(answer.finishReason === "length"));
    const given = new Set(answer.calls.map(contentOf));
    const calls = [...answer.calls, ...this.calls.filter((call) => !given.has(contentOf(call)))];
    const finishReason = answer.finishReason === "stop" && calls.length > 0 ? "calls" : answer.finishReason;
    return { ...answer, finishReason, calls, dropped: [...answer.dropped, ...this.dropped] };
  }

  /** The answer broke: gives out the text that was held back. */
  flush(): void {
    this.add(this.parser.finish(true));
  }

  private add({ text, calls, dropped }: Parsed): void {
    if (text !== "") this.onPiece({ type: "text", text });
    this.calls.push(...calls);
    if (dropped !== undefined) this.dropped.push(dropped);
  }
}

function contentOf({ name, arguments: args }: ToolCall): string {
  return JSON.stringify([name, args]);
}
