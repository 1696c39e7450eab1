import type { Disposable } from "../../common/disposables";

/** One end of a two-way channel for structured-clonable messages, which arrive in order. */
export interface Port<Out, In> {
  /** Throws when the message cannot be cloned; does nothing once the port is closed. */
  post(message: Out): void;
  onMessage(listener: (message: In) => void): Disposable;
  /** Called once, with a short reason, when the other end is gone or this one was closed. */
  onClose(listener: (reason: string) => void): Disposable;
  /** If this end owns the other: resolves when nothing of the other end runs any more. */
  close(): Promise<void>;
}
