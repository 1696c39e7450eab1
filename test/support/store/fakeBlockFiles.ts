import { createHash } from "node:crypto";
import { readFile, rename, utimes, writeFile } from "node:fs/promises";
import type { BlockFileRead, BlockFileRefusal, BlockFiles, BlockFileWrite } from "../../../src/store/ports";

/** What the pool's blocks hold, as text. */
export interface BlockContents {
  get(block: number): string | undefined;
  set(block: number, contents: string): void;
}

/**
 * Block files over a pool whose blocks hold text. Real files on disk in a format of its own, verified in the order in
 * which the addon verifies.
 */
export class FakeBlockFiles implements BlockFiles {
  writes = 0;
  reads = 0;
  /** Awaited by every read. */
  beforeRead: () => Promise<void> = async () => {};
  /** Thrown by the next writes while set. */
  writeError: Error | undefined;

  constructor(
    readonly blockTokens: number,
    readonly contents: BlockContents = new Map<number, string>(),
  ) {}

  async writeBlockFile(request: BlockFileWrite): Promise<number> {
    if (this.writeError !== undefined) throw this.writeError;
    this.writes += 1;
    const data = {
      tokens: request.tokens,
      content: this.contents.get(request.block) ?? "",
      metadata: request.metadata,
    };
    const text = JSON.stringify({ format: "fake-1", ...data, checksum: checksum(data) });
    const temporary = `${request.path}.tmp-fake-${this.writes}`;
    await writeFile(temporary, text);
    await rename(temporary, request.path);
    return text.length;
  }

  async readBlockFile(request: BlockFileRead): Promise<BlockFileRefusal | undefined> {
    this.reads += 1;
    await this.beforeRead();
    let text: string;
    try {
      text = await readFile(request.path, "utf8");
    } catch {
      return { code: "missing", reason: "there is no file" };
    }
    if (!text.endsWith("}")) return { code: "truncated", reason: "the file is shorter than its header says" };
    let file: { format: string; tokens: number; content: string; metadata: Record<string, string>; checksum: string };
    try {
      file = JSON.parse(text);
    } catch {
      return { code: "checksum", reason: "the header is damaged" };
    }
    if (file.format !== "fake-1") return { code: "format", reason: `format ${file.format}, not fake-1` };
    const { tokens, content, metadata } = file;
    if (file.checksum !== checksum({ tokens, content, metadata }))
      return { code: "checksum", reason: "checksum differs" };
    for (const [key, value] of Object.entries(request.expect)) {
      if (metadata[key] !== value) return { code: "identity", reason: `${key} differs`, key };
    }
    if (tokens !== request.tokens) return { code: "geometry", reason: `${tokens} tokens, not ${request.tokens}` };
    this.contents.set(request.block, content);
    const { usedAt } = request;
    // A save may have put another file into its place meanwhile.
    if (usedAt !== undefined) await utimes(request.path, usedAt / 1000, usedAt / 1000).catch(() => {});
    return undefined;
  }
}

function checksum(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex");
}
