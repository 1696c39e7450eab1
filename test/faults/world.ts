import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Fixture } from "./home/fixture";
import type { Oracle } from "./home/oracle";

/** The resources that cases share. */
export interface World {
  /** Folder for all files. */
  readonly scratch: string;
  readonly model: string;
  readonly oracle: Oracle;
  /** A home that was used and closed. */
  readonly fixture: Fixture;
  /** Reports the next stage, so that a hung case can be located. */
  readonly stage: (what: string) => void;
}

let numFolders = 0;

/** Runs `body` with an empty folder of its own. */
export async function inFolderOf<T>({ scratch }: World, body: (folder: string) => Promise<T>): Promise<T> {
  numFolders += 1;
  const folder = path.join(scratch, `case-${process.pid}-${numFolders}`);
  await mkdir(folder, { recursive: true });
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
