import { createHash } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import type {
  BlockFileCheck,
  BlockFileRead,
  BlockFileRefusal,
  BlockFiles,
  BlockFileWrite,
} from "../../../src/store/ports";

/** The contents of the pool's blocks, as text. */
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
  /** Called before each read: may return a refusal caused by the system, or throw what the read shall throw. */
  refuseRead: (path: string) => BlockFileRefusal | undefined = () => undefined;

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
    try {
      await writeFile(temporary, text);
      await rename(temporary, request.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return text.length;
  }

  async readBlockFile(request: BlockFileRead): Promise<BlockFileRefusal | undefined> {
    this.reads += 1;
    await this.beforeRead();
    const failed = this.refuseRead(request.path);
    if (failed !== undefined) return failed;
    let text: string;
    try {
      // As the addon does: a read of a pipe or an endless device would never end.
      if (!(await stat(request.path)).isFile()) return { code: "format", reason: "it is no regular file" };
      text = await readFile(request.path, "utf8");
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      return { code: isMissing ? "missing" : "unreadable", reason: String(error) };
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
    if (request.tokens !== anyTokens && tokens !== request.tokens)
      return { code: "geometry", reason: `${tokens} tokens, not ${request.tokens}` };
    this.contents.set(request.block, content);
    const { usedAt } = request;
    // A save may have replaced the file meanwhile.
    if (usedAt !== undefined) await utimes(request.path, usedAt / 1000, usedAt / 1000).catch(() => {});
    return undefined;
  }
}

/** The addon's check of a block file without expected contents. */
export async function checkFakeBlockFile(file: string): Promise<BlockFileCheck & { readonly bytes: number }> {
  const nothing = new FakeBlockFiles(0);
  const refused = await nothing.readBlockFile({ path: file, block: 0, tokens: anyTokens, expect: {} });
  const bytes = refused?.code === "missing" || refused?.code === "unreadable" ? 0 : (await stat(file)).size;
  if (refused !== undefined) return { bytes, metadata: {}, refused };
  return { bytes, metadata: JSON.parse(await readFile(file, "utf8")).metadata };
}

const anyTokens = -1;

function checksum(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex");
}
