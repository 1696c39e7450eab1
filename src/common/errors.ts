/**
 * Every failure that a user can see has a code, the numbers behind it, and two sentences: what happened and what to do.
 * Codes are stable: the CLI prints them, the pages choose their buttons by them, src/README.md lists them.
 */
export const errorCodes = [
  "INVALID_REQUEST",
  "POOL_EXHAUSTED",
  "CONTEXT_FULL",
  "MODEL_NOT_FOUND",
  "MODEL_INCOMPLETE",
  "MODEL_CORRUPT",
  "MODEL_UNSUPPORTED",
  "MODEL_MISMATCH",
  "IMPORT_UNSUPPORTED",
  "IMPORT_CORRUPT",
  "HUB_DENIED",
  "HUB_FAILURE",
  "SERVER_UNKNOWN",
  "SERVER_DENIED",
  "SERVER_REFUSED",
  "SERVER_FAILURE",
  "ADDON_MISSING",
  "NATIVE_FAILURE",
  "OUT_OF_MEMORY",
  "AGENT_NOT_FOUND",
  "AGENT_LOCKED",
  "AGENT_CORRUPT",
  "AGENT_BUSY",
  "STORE_CORRUPT",
  "DISK_FULL",
  "IO_FAILURE",
  "ENGINE_ENDED",
  "ABORTED",
  "USAGE",
  "INTERNAL",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * Numbers and names that belong to a failure (`needed`, `total`, `path` …). Plain data: it crosses the service's door.
 */
export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

/** A failure as plain data. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  /** What happened, one sentence without the final stop. */
  readonly what: string;
  /** One thing to do about it, one sentence without the final stop. */
  readonly advice: string;
  readonly facts: ErrorFacts;
}

export class ResidentError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly advice: string;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, what: string, advice: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(`${code}: ${what}: ${advice}`, cause === undefined ? undefined : { cause });
    this.name = "ResidentError";
    this.code = code;
    this.what = what;
    this.advice = advice;
    this.facts = facts;
  }

  toInfo(): ErrorInfo {
    return { code: this.code, what: this.what, advice: this.advice, facts: this.facts };
  }

  static fromInfo(info: ErrorInfo): ResidentError {
    return new ResidentError(info.code, info.what, info.advice, info.facts);
  }
}

/** The request can never be carried out as it is: empty prompt, wrong ids, contradicting options. */
export class InvalidRequestError extends ResidentError {
  constructor(what: string, advice: string, facts: ErrorFacts = {}) {
    super("INVALID_REQUEST", what, advice, facts);
    this.name = "InvalidRequestError";
  }
}

/**
 * The request needs more blocks than the whole pool has, so it could never run. `facts`: needed, total, blockTokens.
 */
export class PoolExhaustedError extends ResidentError {
  constructor(needed: number, total: number, blockTokens: number) {
    super(
      "POOL_EXHAUSTED",
      `this request needs ${needed} blocks of ${blockTokens} tokens and the block pool has ${total}`,
      "raise the block pool's size, shorten the prompt, or lower the maximum number of tokens",
      { needed, total, blockTokens },
    );
    this.name = "PoolExhaustedError";
  }
}

/** The thread or process that runs the core has ended, and all its requests have failed. `facts`: reason. */
export class EngineEndedError extends ResidentError {
  constructor(reason: string) {
    super("ENGINE_ENDED", "the engine ended unexpectedly", "restart it; the log says why it ended", { reason });
    this.name = "EngineEndedError";
  }
}

/** Cancellation is not a failure, but promises can only report it as one. */
export class AbortedError extends ResidentError {
  constructor(what = "the work was cancelled") {
    super("ABORTED", what, "start it again when you want it");
    this.name = "AbortedError";
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError();
}

/** Any thrown value as plain data; an error that is not a ResidentError becomes INTERNAL with its own message. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (isErrorInfo(error)) return { code: error.code, what: error.what, advice: error.advice, facts: error.facts };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", what: message, advice: "open the log for the details and report this", facts: {} };
}

/** Checks the shape, since a `ResidentError` of another bundle or thread has another class. */
function isErrorInfo(error: unknown): error is ErrorInfo {
  if (typeof error !== "object" || error === null) return false;
  if (!("code" in error && "what" in error && "advice" in error && "facts" in error)) return false;
  const { code, what, advice, facts } = error;
  return (
    errorCodes.some((known) => known === code) &&
    typeof what === "string" &&
    typeof advice === "string" &&
    typeof facts === "object" &&
    facts !== null
  );
}
