import type { AgentId } from "../../protocol/service";

/** Two clicks on a row within this time are a double click, in ms: the tree reports each of them alike. */
const doubleClickMs = 500;

export class RowClicks {
  private last: { readonly id: AgentId; readonly atMs: number } | undefined;

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** Notes a click; true where it is the second one of a double click. */
  isSecond(id: AgentId): boolean {
    const atMs = this.nowMs();
    const isSecond = this.last?.id === id && atMs - this.last.atMs <= doubleClickMs;
    this.last = isSecond ? undefined : { id, atMs };
    return isSecond;
  }
}
