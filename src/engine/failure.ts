import { type ErrorInfo, ResidentError, toErrorInfo } from "../common/errors";

/** What an error of the runner says about the pool and about the request that failed. */
export type Failure =
  /** The device was told to stop before anything ran. */
  | { readonly type: "aborted" }
  /**
   * The pool holds what it held before. `sequence`: index in the step of the request that caused the error. `isMemory`:
   * the step needs more memory than there is; a smaller step may fit.
   */
  | {
      readonly type: "intact";
      readonly sequence: number | undefined;
      readonly isMemory: boolean;
      readonly error: ResidentError;
    }
  /** The contents of the pool are unknown. */
  | { readonly type: "unknown"; readonly error: ResidentError };

export function classifyFailure(thrown: unknown): Failure {
  const info = toErrorInfo(thrown);
  if (info.code === "ABORTED") return { type: "aborted" };
  const error = asResidentError(thrown, info);
  const { contents, sequence } = info.facts;
  if (contents !== "intact" && (contents === "unknown" || info.code !== "INVALID_REQUEST")) {
    return { type: "unknown", error };
  }
  return {
    type: "intact",
    sequence: typeof sequence === "number" ? sequence : undefined,
    isMemory: info.code === "OUT_OF_MEMORY",
    error,
  };
}

/** Any thrown value as a ResidentError. */
export function asResidentError(thrown: unknown, info: ErrorInfo = toErrorInfo(thrown)): ResidentError {
  if (thrown instanceof ResidentError) return thrown;
  return new ResidentError(info.code, info.what, info.advice, info.facts, thrown);
}
