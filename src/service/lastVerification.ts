import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { StoreVerified } from "../protocol/service";
import { makeFolder } from "../store/files";
import { asObject, MalformedJson, parseObject, readCount, readString } from "../store/json";

const fileName = "verified.json";

/** Keeps the result of the last verification next to the store's blocks, so that later windows show it too. */
export class LastVerification {
  private known: Promise<StoreVerified | undefined> | undefined;

  constructor(private readonly root: string) {}

  /** `undefined`: nothing was verified yet, or the saved result cannot be read. */
  get(): Promise<StoreVerified | undefined> {
    this.known ??= readFile(path.join(this.root, fileName), "utf8").then(parsed, () => undefined);
    return this.known;
  }

  async keep(verified: StoreVerified): Promise<void> {
    this.known = Promise.resolve(verified);
    await makeFolder(this.root);
    await writeFile(path.join(this.root, fileName), `${JSON.stringify(verified)}\n`, { mode: 0o600 });
  }
}

function parsed(text: string): StoreVerified | undefined {
  try {
    const object = parseObject(text);
    const checked = asObject(object["checked"], "checked");
    return {
      at: readString(object, "at"),
      checked: { objects: readCount(checked, "objects"), bytes: readCount(checked, "bytes") },
      problems: readCount(object, "problems"),
      stopped: object["stopped"] === true,
    };
  } catch (error) {
    if (error instanceof MalformedJson) return undefined;
    throw error;
  }
}
