import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";

/** What may replace a file of the store. */
export const placed: Readonly<Record<string, (file: string) => Promise<void>>> = {
  nothing: async () => {},
  "an empty file": (file) => writeFile(file, ""),
  "a folder": async (file) => {
    await mkdir(file);
  },
  "a pipe": async (file) => {
    execFileSync("mkfifo", [file]);
  },
  "a link to an endless device": (file) => symlink("/dev/zero", file),
  "a link to itself": (file) => symlink(file, file),
  "a link to nowhere": (file) => symlink(`${file}.gone`, file),
  "a link to a folder": (file) => symlink("/", file),
  "a huge file of zeros": async (file) => {
    await writeFile(file, "");
    await truncate(file, 8 * 1024 ** 4);
  },
};

export async function place(what: string, file: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await placed[what]?.(file);
}
