export type LogLevel = "debug" | "info" | "warn" | "error";

/** The one interface for logs. The extension writes to an output channel, the CLI to stderr, tests nowhere. */
export interface Log {
  log(level: LogLevel, message: string): void;
}

export const silentLog: Log = { log: () => {} };
