import { type ErrorInfo, ResidentError, toErrorInfo } from "../common/errors";

/** What a runner's error says about the pool and about who failed. */
export type Failure =
  /** Nothing ran; it is the request at this index of the step that was refused, or all of them. */
  | { readonly type: "refused"; readonly sequence: number | undefined; readonly error: ResidentError }
  /** Nothing ran: the device was told to stop. */
  | { readonly type: "aborted" }
  /** What the pool's blocks hold is unknown. */
  | { readonly type: "unknownContents"; readonly error: ResidentError };

export function classifyFailure(thrown: unknown): Failure {
  const info = toErrorInfo(thrown);
  if (info.code === "ABORTED") return { type: "aborted" };
  if (info.code === "INVALID_REQUEST") {
    const { sequence } = info.facts;
    return {
      type: "refused",
      sequence: typeof sequence === "number" ? sequence : undefined,
      error: asResidentError(thrown, info),
    };
  }
  return { type: "unknownContents", error: asResidentError(thrown, info) };
}

function asResidentError(thrown: unknown, info: ErrorInfo): ResidentError {
  if (thrown instanceof ResidentError) return thrown;
  return new ResidentError(info.code, info.what, info.advice, info.facts, thrown);
}
