import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidRequestError } from "../common/errors";
import { folderBytes } from "./hub/downloadFolder";
import { systemCode, toIoError } from "./ioErrors";
import { notFound } from "./modelErrors";

/**
 * Deletes a model's folder; resolves with the bytes that it took. It loses its name first, so that no half of it is ever
 * taken for a model.
 */
export async function deleteModelFolder(directory: string): Promise<number> {
  try {
    const bytes = await folderBytes(directory);
    const doomed = join(dirname(directory), `.deleting-${randomBytes(6).toString("hex")}`);
    await rename(directory, doomed);
    await rm(doomed, { recursive: true, force: true });
    return bytes;
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw notFound(`there is no folder ${directory}`, { directory });
    throw toIoError(error, "deleting the model", directory);
  }
}

export function notOurs(directory: string): InvalidRequestError {
  return new InvalidRequestError(
    `${directory} is not a model that Resident imported or downloaded`,
    "delete it where it came from",
    { directory },
  );
}
