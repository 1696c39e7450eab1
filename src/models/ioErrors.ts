import { ResidentError } from "../common/errors";

/** The operating system's code of a failed call ("ENOENT" …), "" for anything else. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Converts a failed system call to a typed error; returns any other value unchanged. */
export function toIoError(error: unknown, doing: string, path: string): unknown {
  const code = systemCode(error);
  if (code === "" || !(error instanceof Error)) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ResidentError(
      "DISK_FULL",
      `the disk is full: ${doing} could not continue`,
      "free some space and start it again; no incomplete files were left",
      { path },
      error,
    );
  }
  return new ResidentError(
    "IO_FAILURE",
    `${doing} failed: ${error.message}`,
    "check the path and its permissions",
    { path },
    error,
  );
}
