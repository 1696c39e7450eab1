import { ResidentError } from "../common/errors";

/** The operating system's code of a failed call ("ENOENT" …), "" for anything else. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** A failed call of the operating system as a typed failure; everything else passes through as it is. */
export function toIoError(error: unknown, doing: string, path: string): unknown {
  const code = systemCode(error);
  if (code === "" || !(error instanceof Error)) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ResidentError(
      "DISK_FULL",
      `the disk is full: ${doing} could not go on`,
      "free some space and start it again; nothing half-written was left behind",
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
