import { throwIfAborted } from "../common/errors";

/** Long work that may be interrupted where it yields. */
export type Steps<T> = Generator<undefined, T, undefined>;

const sliceMs = 5;

/** Does all of it at once. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Works in slices of time and lets the event loop run between them. Rejects with AbortedError when `signal` is aborted.
 */
export async function runInSlices<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let startedMs = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - startedMs < sliceMs) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    throwIfAborted(signal);
    startedMs = performance.now();
  }
}
