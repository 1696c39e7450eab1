import { throwIfAborted } from "../common/errors";
import type { Running } from "../protocol/service";

/** The answer once it has ended. Aborts it when the signal does, and rejects with ABORTED then. */
export async function finishedAnswer(running: Running, signal: AbortSignal): Promise<Awaited<Running["done"]>> {
  const abort = () => running.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const done = await running.done;
    throwIfAborted(signal);
    return done;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
