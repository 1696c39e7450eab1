import type { AgentId } from "../../protocol/service";

/** Two clicks on a row within this time, in ms, are a double click: VS Code reports both clicks alike. */
const doubleClickMs = 500;

export class RowClicks {
  private last: { readonly id: AgentId; readonly atMs: number } | undefined;

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** Records a click. True if it is the second one of a double click. */
  isSecond(id: AgentId): boolean {
    const atMs = this.nowMs();
    const isSecond = this.last?.id === id && atMs - this.last.atMs <= doubleClickMs;
    this.last = isSecond ? undefined : { id, atMs };
    return isSecond;
  }
}
