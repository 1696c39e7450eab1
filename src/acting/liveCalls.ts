/** The calls of one answer as pages see them while they are worked on. */
import type { ToolCall } from "../common/tools";
import type { LiveCall } from "../protocol/acting";
import type { Tools } from "./ports";

const outputLength = 4000;

export class LiveCalls {
  private readonly calls = new Map<string, LiveCall>();

  constructor(
    calls: readonly ToolCall[],
    tools: Pick<Tools, "kindOf">,
    private readonly onChange: () => void,
  ) {
    for (const { id, name } of calls) this.calls.set(id, { call: id, kind: tools.kindOf(name), state: "queued" });
  }

  get all(): readonly LiveCall[] {
    return [...this.calls.values()];
  }

  /** What belongs to a question goes when the call waits no more. */
  set(call: string, parts: Partial<Omit<LiveCall, "call" | "kind">>): void {
    const before = this.calls.get(call);
    if (before === undefined) return;
    const { question: _, choices: __, ...rest } = before;
    this.calls.set(call, { ...(parts.state === undefined ? before : rest), ...parts });
    this.onChange();
  }

  output(call: string, end: string): void {
    if (this.calls.get(call)?.output === end) return;
    this.set(call, { output: end.length <= outputLength ? end : end.slice(-outputLength) });
  }
}
