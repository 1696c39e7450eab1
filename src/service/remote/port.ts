import type { Disposable } from "../../common/disposables";

/** One end of a two-way channel for structured-clonable messages, which arrive in order. */
export interface Port<Out, In> {
  /** Throws for what cannot be cloned; does nothing once the port is closed. */
  post(message: Out): void;
  onMessage(listener: (message: In) => void): Disposable;
  /** Called once when the other end is gone, or when this one was closed, with why in a few words. */
  onClose(listener: (reason: string) => void): Disposable;
  /** Resolves when nothing of the other end runs any more, where this end owns it. */
  close(): Promise<void>;
}
