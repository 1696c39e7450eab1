import type { ModelAccess, ModelLease, ModelSession } from "../agents/ports";
import { AbortedError, throwIfAborted } from "../common/errors";
import type { PromptBuilder } from "../text/prompt";

/** The reason shown in answers that wait for a benchmark. */
export const benchWaitReason = "a benchmark is running";

/**
 * The model access of the users' agents: a benchmark can make their answers wait, since they would disturb its figures.
 * Answers that have a lease, or wait for one, continue.
 */
export class HoldableModelAccess implements ModelAccess {
  private held: Promise<void> | undefined;
  private numInUse = 0;
  private onReleased: (() => void) | undefined;

  constructor(private readonly models: ModelAccess) {}

  get current(): ModelSession | undefined {
    return this.models.current;
  }

  loaded(directory: string): ModelSession | undefined {
    return this.models.loaded(directory);
  }

  async lease(directory: string, signal?: AbortSignal, onWaiting?: (reason: string) => void): Promise<ModelLease> {
    while (this.held !== undefined) {
      onWaiting?.(benchWaitReason);
      await orAborted(this.held, signal);
    }
    this.numInUse += 1;
    try {
      const { session, release } = await this.models.lease(directory, signal, onWaiting);
      let released = false;
      return {
        session,
        release: () => {
          if (released) return;
          released = true;
          release();
          this.finished();
        },
      };
    } catch (error) {
      this.finished();
      throw error;
    }
  }

  isFree(directory: string): boolean {
    return this.held === undefined && this.models.isFree(directory);
  }

  describe(directory: string): Promise<{ readonly name: string; readonly contextTokens: number }> {
    return this.models.describe(directory);
  }

  prompts(directory: string): Promise<PromptBuilder> {
    return this.models.prompts(directory);
  }

  /** Runs `work` while no answer uses the model. `onBusy` is called with the number of answers that must end first. */
  async hold<T>(signal: AbortSignal, onBusy: (numAnswers: number) => void, work: () => Promise<T>): Promise<T> {
    let end: () => void = () => {};
    this.held = new Promise((resolve) => {
      end = resolve;
    });
    try {
      while (this.numInUse > 0) {
        onBusy(this.numInUse);
        const released = new Promise<void>((resolve) => {
          this.onReleased = resolve;
        });
        await orAborted(released, signal);
      }
      throwIfAborted(signal);
      return await work();
    } finally {
      this.onReleased = undefined;
      this.held = undefined;
      end();
    }
  }

  private finished(): void {
    this.numInUse -= 1;
    this.onReleased?.();
  }
}

/** Rejects with ABORTED as soon as the signal aborts. */
async function orAborted(over: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  let giveUp: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new AbortedError());
  });
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await Promise.race([over, aborted]);
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}
