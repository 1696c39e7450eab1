import { type ErrorFacts, ResidentError } from "../common/errors";
import { modelAdvice } from "../common/modelAdvice";
import type { NativeErrorCode } from "./binding";

/** One thing to do about each failure of the addon. */
const advices: Readonly<Record<NativeErrorCode, string>> = {
  INVALID_REQUEST: "report this with the log: the request should have been checked before",
  OUT_OF_MEMORY: "close other programs, lower the block pool's size or choose a smaller model",
  MODEL_NOT_FOUND: "choose another model folder",
  MODEL_INCOMPLETE: "download or import the model again",
  MODEL_CORRUPT: "download or import the model again",
  MODEL_UNSUPPORTED: modelAdvice,
  STORE_CORRUPT: "delete the damaged file: its tokens will be read again",
  DISK_FULL: "free some space or lower the store's quota",
  IO_FAILURE: "check that the folder exists and may be written",
  ABORTED: "start it again when you want it",
  NATIVE_FAILURE: "reload the model; if it happens again, report it with the log",
};

const isNativeCode = (code: unknown): code is NativeErrorCode =>
  typeof code === "string" && Object.hasOwn(advices, code);

/** Converts an error of the addon to a ResidentError; returns any other value unchanged. */
export function fromNative(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ResidentError) return error;
  if (!("code" in error) || !isNativeCode(error.code)) return error;
  return nativeError(error.code, error.message, "facts" in error ? factsOf(error.facts) : {}, error);
}

export function nativeError(code: NativeErrorCode, what: string, facts: ErrorFacts, cause?: unknown): ResidentError {
  return new ResidentError(code, what, adviceFor(code, facts), facts, cause);
}

/** A request that a setting has made is not a fault of ours. */
function adviceFor(code: NativeErrorCode, facts: ErrorFacts): string {
  if (code !== "INVALID_REQUEST" || facts["kvDtype"] === undefined) return advices[code];
  return 'set resident.pool.precision (--kv) to "auto" or "f16", or RESIDENT_DEVICE to "cpu"';
}

function factsOf(facts: unknown): ErrorFacts {
  if (typeof facts !== "object" || facts === null) return {};
  const isFact = (fact: unknown): fact is string | number | boolean =>
    typeof fact === "string" || typeof fact === "number" || typeof fact === "boolean";
  const entries: [string, string | number | boolean][] = [];
  for (const [key, value] of Object.entries(facts)) if (isFact(value)) entries.push([key, value]);
  return Object.fromEntries(entries);
}
