import type { Memory } from "../../../src/extension/window/memory";

/** What VS Code keeps of a workspace: it outlives the windows, and what comes back was JSON. */
export class FakeMemory implements Memory {
  readonly values = new Map<string, string>();
  numUpdates = 0;

  get(key: string): unknown {
    const stored = this.values.get(key);
    return stored === undefined ? undefined : JSON.parse(stored);
  }

  async update(key: string, value: unknown): Promise<void> {
    this.numUpdates += 1;
    this.values.set(key, JSON.stringify(value));
  }
}
