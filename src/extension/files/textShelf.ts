import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "./digest";

/** A text that nobody asks for any more is kept for so long: another window may be about to write down that it needs it. */
const graceMs = 60 * 60 * 1000;

/** Texts in a folder of their own, by their digests. */
export class TextShelf {
  private made: Promise<unknown> | undefined;
  private written = 0;

  constructor(
    private readonly folder: string,
    private readonly nowMs: () => number = Date.now,
  ) {}

  async put({ digest, text }: { readonly digest: string; readonly text: string }): Promise<void> {
    this.made ??= mkdir(this.folder, { recursive: true });
    await this.made;
    const part = join(this.folder, `${digest}.${process.pid}.${this.written++}.part`);
    await writeFile(part, text);
    await rename(part, join(this.folder, digest));
  }

  /** `undefined`: it is not there, or not what it was. */
  async get(digest: string): Promise<string | undefined> {
    if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
    const text = await readFile(join(this.folder, digest), "utf8").catch(() => undefined);
    return text !== undefined && digestOf(text) === digest ? text : undefined;
  }

  /** Removes all others. */
  async keepOnly(digests: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) {
      if (digests.has(name)) continue;
      const file = join(this.folder, name);
      const writtenAt = await stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => this.nowMs(),
      );
      if (this.nowMs() - writtenAt > graceMs) await rm(file, { force: true });
    }
  }
}
