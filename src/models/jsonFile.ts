import { join } from "node:path";
import { parseBoundedJson } from "../common/boundedJson";
import { systemCode } from "./ioErrors";
import { corrupt } from "./modelErrors";
import { readRegularFile } from "./regularFile";

/** The largest vocabularies need about 40 MB. */
export const maxTextBytes = 256 << 20;

/** A JSON file of a model directory; `undefined` when there is none. Throws MODEL_CORRUPT when it is not JSON. */
export async function readJsonFile(directory: string, name: string): Promise<unknown> {
  const text = await readTextFile(directory, name);
  return text === undefined ? undefined : parseJsonFile(text, name);
}

export async function readTextFile(directory: string, name: string): Promise<string | undefined> {
  try {
    return (await readRegularFile(join(directory, name), maxTextBytes)).toString();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function parseJsonFile(text: string, name: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    throw corrupt(`${name} is not readable (${text.length} characters)`, { file: name, characters: text.length });
  }
}
