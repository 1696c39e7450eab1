import { readdir } from "node:fs/promises";

/** Names in a folder; none where there is no folder that can be read. */
export function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
