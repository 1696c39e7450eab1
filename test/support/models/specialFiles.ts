import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { promisify } from "node:util";

/** Creates a special file that a program must neither wait for nor read endlessly. */
export const specialFiles: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  fifo: (file) => promisify(execFile)("mkfifo", [file]),
  "link to a device": (file) => symlink("/dev/zero", file),
  folder: (file) => mkdir(file),
};
