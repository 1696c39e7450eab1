export type LogLevel = "debug" | "info" | "warn" | "error";

/** The one way to log. The extension puts an output channel behind it, the CLI stderr, tests nothing. */
export interface Log {
  log(level: LogLevel, message: string): void;
}

export const silentLog: Log = { log: () => {} };
