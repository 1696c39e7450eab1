/** Below this the speed is a guess. */
const knownAfterMs = 500;

/** Time left of a piece of work, from its mean speed since it was first seen. */
export class Eta {
  private start: { readonly key: string; readonly done: number; readonly at: number } | undefined;

  /** Milliseconds; `undefined` until it is known. `key` names the work: another one starts anew. */
  remainingMs(key: string, done: number, total: number, now: number): number | undefined {
    if (!this.start || this.start.key !== key || done < this.start.done) this.start = { key, done, at: now };
    const elapsedMs = now - this.start.at;
    const gained = done - this.start.done;
    return elapsedMs < knownAfterMs || gained <= 0 ? undefined : (elapsedMs / gained) * (total - done);
  }
}
