import { AbortedError } from "../common/errors";
import type { Clock } from "./ports";

/** How long work may take to end by itself after it was stopped. */
const graceMs = 3000;

/** The work's own end; but once it was stopped, it is waited for only a little while: it may never end. Then rejects with ABORTED. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let timer: ReturnType<Clock["after"]> | undefined;
    const giveUp = () => {
      timer = clock.after(graceMs, () => reject(new AbortedError()));
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp);
    const end = () => {
      signal.removeEventListener("abort", giveUp);
      timer?.dispose();
    };
    work.then(resolve, reject).finally(end);
  });
}
