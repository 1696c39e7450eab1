import { readFile, stat } from "node:fs/promises";
import { ResidentError } from "../common/errors";

/** Tools, schemas and results are text that a model reads. */
const mostBytes = 16 * 1024 * 1024;

/** A text file that an option names. Rejects with IO_FAILURE. A mark of the byte order is left out. */
export async function readInput(file: string): Promise<string> {
  const fail = (what: string, advice: string) =>
    new ResidentError("IO_FAILURE", `${file} ${what}`, advice, { path: file });
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw fail("is a folder", "name a file");
    if (found.size > mostBytes) throw fail(`has ${found.size} bytes, more than ${mostBytes}`, "name a smaller file");
    return (await readFile(file, "utf8")).replace(/^\ufeff/, "");
  } catch (error) {
    if (error instanceof ResidentError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw fail(`cannot be read: ${reason}`, "check its name and its rights");
  }
}
