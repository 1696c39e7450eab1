/**
 * Files of other programs' conversations, one each: <key>.thread. A line of JSON, then the keys of the block objects
 * that the conversation refers to, then its answers as text. A file is written whole under another name and renamed. A
 * damaged one is removed: it only saves work.
 */
import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { ifThere, isTemporary, makeFolder, versionOf } from "./files";
import { MalformedJson, parseObject, readCount, readString } from "./json";
import type { DurableFiles } from "./ports";
import { isAbandoned } from "./temporaryFiles";
import { type ByteSource, UntrustedFile } from "./untrustedFile";

const threadFormat = 1;
const suffix = ".thread";
const keyBytes = 32;

/** The header has some hundred bytes. */
const maxHeaderBytes = 4096;
/** Keys of 8 million tokens. */
const maxKeys = 131_072;
/** Answers of a conversation far longer than any context. */
export const maxBodyBytes = 48 * 1024 * 1024;

export interface StoredThread {
  /** Keys of its block objects, each once. */
  readonly keys: readonly string[];
  /** Mean size of such an object. */
  readonly blockBytes: number;
  readonly body: string;
}

interface Header {
  readonly keys: number;
  readonly keysDigest: string;
  readonly blockBytes: number;
  readonly bodyBytes: number;
  readonly bodyDigest: string;
}

/** What a thread's file refers to. */
export interface ThreadReferences extends Pick<StoredThread, "keys" | "blockBytes"> {
  /** Last written, milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export interface ThreadLimits {
  readonly nowMs: number;
  /** Older ones are removed. */
  readonly ageMs: number;
  readonly files: number;
  /** Of all objects that threads refer to; one that several refer to counts once. */
  readonly bytes: number;
}

export class ThreadFiles {
  constructor(
    readonly root: string,
    private readonly files: DurableFiles,
  ) {}

  /** Differs when the file was written since; `undefined`: there is none. */
  version(name: string): Promise<string | undefined> {
    return versionOf(this.fileOf(name));
  }

  /** `undefined`: there is no such file, or it was damaged and is removed. Throws IO_FAILURE. */
  async read(name: string): Promise<StoredThread | undefined> {
    const file = this.fileOf(name);
    return this.unlessDamaged(file, async (source) => {
      const { header, at } = await readHeader(source);
      const keys = await readKeys(source, header, at);
      const start = at + header.keys * keyBytes;
      if (header.bodyBytes > maxBodyBytes || source.bytes !== start + header.bodyBytes) {
        throw new MalformedJson("its length is wrong");
      }
      const body = await source.read(start, header.bodyBytes);
      if (digest(body) !== header.bodyDigest) throw new MalformedJson("its checksum is wrong");
      return { keys, blockBytes: header.blockBytes, body: body.toString("utf8") };
    });
  }

  /** Throws DISK_FULL, IO_FAILURE; the file is then as it was. Resolves with its new version. */
  async write(name: string, { keys, blockBytes, body }: StoredThread): Promise<string | undefined> {
    await makeFolder(this.root);
    const kept = Buffer.from(keys.slice(-maxKeys).join(""), "hex");
    const text = Buffer.from(body, "utf8");
    const header: Header = {
      keys: kept.length / keyBytes,
      keysDigest: digest(kept),
      blockBytes: Math.round(blockBytes),
      bodyBytes: text.length,
      bodyDigest: digest(text),
    };
    const line = Buffer.from(`${JSON.stringify({ format: threadFormat, ...header })}\n`, "utf8");
    await this.files.replace(this.fileOf(name), Buffer.concat([line, kept, text]), "whole");
    return this.version(name);
  }

  /** Names of the files that were written last and are no longer than `bytes`, newest first. */
  async newest(count: number, bytes: number): Promise<readonly string[]> {
    const found = await Promise.all(
      (await threadsIn(this.root)).map(async (name) => {
        const is = await ifThere(path.join(this.root, name), (file) => stat(file));
        return is === undefined || is.size > bytes ? [] : [{ name, at: is.mtimeMs }];
      }),
    );
    const newestFirst = found.flat().sort((one, other) => other.at - one.at);
    return newestFirst.slice(0, count).map(({ name }) => name.slice(0, -suffix.length));
  }

  async remove(name: string): Promise<void> {
    await rm(this.fileOf(name), { force: true });
  }

  /** Removes all threads and what unfinished writes left. */
  async removeAll(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** Removes what is too old, then the oldest of what is too much, and what dead processes left. */
  async enforce({ nowMs, ageMs, files, bytes }: ThreadLimits): Promise<void> {
    for (const name of await namesIn(this.root)) {
      const file = path.join(this.root, name);
      if (isTemporary(name) && (await isAbandoned(file, nowMs))) await rm(file, { force: true });
    }
    const found = [...(await this.references())].sort(([, a], [, b]) => b.writtenAtMs - a.writtenAtMs);
    const seen = new Set<string>();
    let used = 0;
    let kept = 0;
    for (const [name, { keys, blockBytes, writtenAtMs }] of found) {
      const added = keys.filter((key) => !seen.has(key));
      const isOld = nowMs - writtenAtMs > ageMs;
      if (isOld || kept >= files || used + added.length * blockBytes > bytes) {
        await this.remove(name);
        continue;
      }
      for (const key of added) seen.add(key);
      used += added.length * blockBytes;
      kept += 1;
    }
  }

  /** What each thread refers to, by its name. Threads that cannot be read are left out. */
  private async references(): Promise<ReadonlyMap<string, ThreadReferences>> {
    const all = new Map<string, ThreadReferences>();
    for (const name of await threadsIn(this.root)) {
      const found = await referencesOf(path.join(this.root, name)).catch(() => undefined);
      if (found !== undefined) all.set(name.slice(0, -suffix.length), found);
    }
    return all;
  }

  private async unlessDamaged<T>(file: string, read: (source: ByteSource) => Promise<T>): Promise<T | undefined> {
    let source: UntrustedFile | undefined;
    try {
      source = await UntrustedFile.open(file);
      return source === undefined ? undefined : await read(source);
    } catch (error) {
      if (!isDamage(error)) throw error;
      await rm(file, { recursive: true, force: true }).catch(() => {});
      return undefined;
    } finally {
      await source?.close();
    }
  }

  private fileOf(name: string): string {
    return path.join(this.root, `${name}${suffix}`);
  }
}

/** Files of threads in a folder that need not exist. */
export async function threadsIn(root: string): Promise<readonly string[]> {
  return (await namesIn(root)).filter((name) => name.endsWith(suffix) && !isTemporary(name));
}

/** What one file refers to, without its answers; `undefined`: it is gone or damaged. Throws IO_FAILURE. */
export async function referencesOf(file: string): Promise<ThreadReferences | undefined> {
  let source: UntrustedFile | undefined;
  try {
    source = await UntrustedFile.open(file);
    if (source === undefined) return undefined;
    const { header, at } = await readHeader(source);
    const { mtimeMs } = await stat(file);
    return { keys: await readKeys(source, header, at), blockBytes: header.blockBytes, writtenAtMs: mtimeMs };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  } finally {
    await source?.close();
  }
}

async function namesIn(root: string): Promise<readonly string[]> {
  return (await ifThere(root, (folder) => readdir(folder))) ?? [];
}

async function readHeader(source: ByteSource): Promise<{ readonly header: Header; readonly at: number }> {
  const start = await source.read(0, Math.min(maxHeaderBytes, source.bytes));
  const end = start.indexOf(0x0a);
  if (end < 0) throw new MalformedJson("it has no header");
  const object = parseObject(start.toString("utf8", 0, end));
  if (readCount(object, "format") !== threadFormat) throw new MalformedJson("it has another format");
  const header: Header = {
    keys: readCount(object, "keys"),
    keysDigest: readString(object, "keysDigest"),
    blockBytes: readCount(object, "blockBytes"),
    bodyBytes: readCount(object, "bodyBytes"),
    bodyDigest: readString(object, "bodyDigest"),
  };
  if (header.keys > maxKeys) throw new MalformedJson("it has too many keys");
  return { header, at: end + 1 };
}

async function readKeys(source: ByteSource, { keys, keysDigest }: Header, at: number): Promise<readonly string[]> {
  if (at + keys * keyBytes > source.bytes) throw new MalformedJson("its keys are cut");
  const bytes = await source.read(at, keys * keyBytes);
  if (digest(bytes) !== keysDigest) throw new MalformedJson("the checksum of its keys is wrong");
  return Array.from({ length: keys }, (_, index) => bytes.toString("hex", index * keyBytes, (index + 1) * keyBytes));
}

/** The content is wrong, or what is there is no file. A disk error says nothing about the content. */
function isDamage(error: unknown): boolean {
  if (error instanceof MalformedJson) return true;
  return error instanceof Error && "code" in error && error.code === "STORE_CORRUPT";
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
