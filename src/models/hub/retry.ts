import { AbortedError, throwIfAborted, toErrorInfo } from "../../common/errors";
import { pause } from "../../net/waits";
import { hubFailure, isTransient } from "./hubErrors";

export interface RetryPolicy {
  /** Failures one after the other, without anything gained, after which the work fails. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly firstDelayMs: number;
  /** A server that asks for a longer pause makes the work fail, with that time in the message. */
  readonly longestDelayMs: number;
}

export const retryPolicy: RetryPolicy = { attempts: 5, firstDelayMs: 500, longestDelayMs: 90_000 };

/**
 * Repeats `work` while it fails with a transient error. `gained`: whether an attempt that failed has still got something
 * done; then counting begins again.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  gained: () => boolean = () => false,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw new AbortedError();
      if (!isTransient(error)) throw error;
      if (gained()) attempt = 1;
      const waitMs = delayMs(policy, attempt, error);
      if (attempt >= policy.attempts) throw error;
      await pause(waitMs, signal);
    }
  }
}

function delayMs({ firstDelayMs, longestDelayMs }: RetryPolicy, attempt: number, error: unknown): number {
  const { what, facts } = toErrorInfo(error);
  const asked = facts["retryAfterMs"];
  if (typeof asked !== "number") return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1));
  if (asked <= longestDelayMs) return asked;
  const seconds = Math.ceil(asked / 1000);
  throw hubFailure(what, `get the model again in ${seconds} seconds`, { ...facts, transient: false }, error);
}
