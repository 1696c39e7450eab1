/**
 * Full KV blocks as immutable files named by their content, like git's objects: agents that share a prefix share the
 * files, a save writes only missing files, and an intact file is never rewritten. Reading detects a torn or foreign
 * file, so writing needs no fsync.
 */
import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { toErrorInfo } from "../common/errors";
import type { BlockId } from "../engine/ports";
import { type BlockIdentity, blockFormatVersion, modelFolder, nextKey, rootKey } from "./blockIdentity";
import { ifThere, looksInFlight, makeFolder, storeError } from "./files";
import { objectPath, type StoreUsage } from "./objectFiles";
import type { BlockFileRead, BlockFileRefusal, BlockFiles } from "./ports";
import { readRemovalsMark } from "./removals";

/** Why stored cache was not used from token `atToken` on. */
export interface RestoreRefusal {
  readonly code: BlockFileRefusal["code"] | "foreign";
  readonly reason: string;
  readonly atToken: number;
}

/** One block of a chain and the path of its file. A tail may have fewer `tokens` than a full block. */
export interface StoredBlock {
  readonly key: string;
  readonly parent: string;
  /** Position of its first token. */
  readonly start: number;
  readonly tokens: Int32Array;
  readonly path: string;
  /** "window": the file holds the window layers, where these have blocks of their own; absent: all other layers. */
  readonly layers?: "window";
}

/** How many files of a chain exist; `unreadable`: why the files after these could not be checked. */
export interface Presence {
  readonly present: number;
  readonly unreadable?: string;
}

export interface SavedBlock {
  readonly fileBytes: number;
  /** The file was written now; otherwise it existed. */
  readonly isNew: boolean;
}

/** Bounds the memory; forgotten files are only checked again. */
const mostKnown = 100_000;

export class BlockStore {
  /**
   * Sizes of files that this process has seen or written, by path. Another process may have removed one since: then the
   * turn that needs it prefills its tokens again, and the next save writes the file again.
   */
  private readonly known = new Map<string, number>();
  private numLosses = 0;
  /** The store's mark of removals when it was read last. */
  private removals: string | undefined;
  /** Files after a refused one in its chain: they may be damaged too, so the next save writes them again. */
  private readonly distrusted = new Set<string>();
  private added: StoreUsage = { objects: 0, bytes: 0 };

  /** `root`: folder of all objects. */
  constructor(readonly root: string) {}

  /** Objects that this process has written so far, whether they still exist or not. */
  get made(): StoreUsage {
    return this.added;
  }

  /** Increases when files may have been removed: callers that remember what was saved must check again. */
  get losses(): number {
    return this.numLosses;
  }

  /** Checks whether a process has removed files since. A save calls this once its keys are in the agent's key file. */
  async checkRemovals(): Promise<void> {
    const removals = await readRemovalsMark(this.root).catch(reasonOf);
    if (removals === this.removals) return;
    this.removals = removals;
    this.known.clear();
    this.numLosses += 1;
  }

  objectPath(identity: BlockIdentity, key: string): string {
    return objectPath(this.root, modelFolder(identity), key);
  }

  /** The full blocks of `tokens` in order, whether or not their files exist. */
  chain(identity: BlockIdentity, tokens: Int32Array): readonly StoredBlock[] {
    const blocks: StoredBlock[] = [];
    let parent = rootKey(identity);
    for (let start = 0; start + identity.blockTokens <= tokens.length; start += identity.blockTokens) {
      const block = this.block(identity, parent, start, tokens.subarray(start, start + identity.blockTokens));
      blocks.push(block);
      parent = block.key;
    }
    return blocks;
  }

  /** The full block of `tokens` after `parent`. */
  block(identity: BlockIdentity, parent: string, start: number, tokens: Int32Array): StoredBlock {
    const key = nextKey(parent, tokens);
    return { key, parent, start, tokens, path: this.objectPath(identity, key) };
  }

  /** A partial last block, in a file of its own. */
  tail(parent: string, start: number, tokens: Int32Array, file: string): StoredBlock {
    return { key: nextKey(parent, tokens), parent, start, tokens, path: file };
  }

  /** How many of `blocks`, from the first, have files; stops at the first one that cannot be checked. Never rejects. */
  async findPresent(blocks: readonly StoredBlock[]): Promise<Presence> {
    for (let from = 0; from < blocks.length; from += looksInFlight) {
      const batch = blocks.slice(from, from + looksInFlight);
      const looks = await Promise.allSettled(batch.map((block) => this.statFile(block.path)));
      const end = looks.findIndex((look) => look.status === "rejected" || look.value === undefined);
      const look = looks[end];
      if (look === undefined) continue;
      return look.status === "rejected"
        ? { present: from + end, unreadable: reasonOf(look.reason) }
        : { present: from + end };
    }
    return { present: blocks.length };
  }

  /** Writes the block unless its file exists and is trusted. */
  async save(files: BlockFiles, identity: BlockIdentity, stored: StoredBlock, block: BlockId): Promise<SavedBlock> {
    const fileBytes = this.known.get(stored.path) ?? (await this.statFile(stored.path));
    if (fileBytes !== undefined && !this.distrusted.has(stored.path)) return { fileBytes, isNew: false };
    const bytes = await this.write(files, identity, stored, block);
    this.rememberSize(stored.path, bytes);
    const { added } = this;
    if (fileBytes === undefined) this.added = { objects: added.objects + 1, bytes: added.bytes + bytes };
    return { fileBytes: bytes, isNew: true };
  }

  /** Writes the file even if it exists. Resolves with its size in bytes. */
  async write(files: BlockFiles, identity: BlockIdentity, stored: StoredBlock, block: BlockId): Promise<number> {
    const { path: file, tokens } = stored;
    try {
      await makeFolder(path.dirname(file));
      const metadata = metadataOf(identity, stored);
      const bytes = await files.writeBlockFile({ block, tokens: tokens.length, path: file, metadata });
      this.distrusted.delete(file);
      return bytes;
    } catch (error) {
      throw storeError(error, file);
    }
  }

  /**
   * Reads `blocks` into the pool's `targets` (as many), a few at a time, until `signal` aborts. Resolves with the
   * number loaded from the first on; the first refused file ends the chain. Removes a file that was read and is
   * damaged, so that the next save writes it again. A file that could not be read stays, since it may be good.
   */
  async load(
    files: BlockFiles,
    identity: BlockIdentity,
    blocks: readonly StoredBlock[],
    targets: readonly BlockId[],
    signal?: AbortSignal,
  ): Promise<{ readonly loaded: number; readonly refused?: RestoreRefusal }> {
    // Later blocks get slightly earlier times of use, so that eviction removes a chain from its end.
    const now = Date.now();
    for (let from = 0; from < blocks.length; from += readsInFlight) {
      if (signal?.aborted) return { loaded: from };
      const batch = blocks.slice(from, from + readsInFlight);
      // Wait for all, also when one fails: the targets may be released only when no read writes them any more.
      const settled = await Promise.allSettled(
        batch.map((stored, index) => {
          const target = { block: targets[from + index], usedAt: now - from - index };
          return this.loadOne(files, identity, stored, target);
        }),
      );
      const results = settled.map((one) => {
        if (one.status === "rejected") throw one.reason;
        return one.value;
      });
      const bad = results.findIndex((refused) => refused !== undefined);
      const refused = results[bad];
      if (refused === undefined) continue;
      const rest = blocks.slice(from + bad);
      if (isDamage(refused)) for (const block of rest) this.distrusted.add(block.path);
      if (isDamage(refused) || refused.code === "missing") this.forget(rest.map((block) => block.path));
      return { loaded: from + bad, refused };
    }
    return { loaded: blocks.length };
  }

  private async loadOne(
    files: BlockFiles,
    identity: BlockIdentity,
    stored: StoredBlock,
    { block, usedAt }: { readonly block: BlockId | undefined; readonly usedAt: number },
  ): Promise<RestoreRefusal | undefined> {
    if (block === undefined) throw new RangeError("fewer target blocks than stored ones");
    const request = {
      path: stored.path,
      block,
      tokens: stored.tokens.length,
      expect: metadataOf(identity, stored),
      usedAt,
    };
    const refused = await readOrRefuse(files, request);
    if (refused === undefined) return undefined;
    if (isDamage(refused)) await rm(stored.path, { force: true }).catch(() => {});
    return { code: refused.code, reason: reasonAt(refused, stored.start, identity), atToken: stored.start };
  }

  /** Marks files as possibly gone: the next save checks them. */
  forget(paths: readonly string[]): void {
    for (const file of paths) this.known.delete(file);
    this.numLosses += 1;
  }

  private async statFile(file: string): Promise<number | undefined> {
    const bytes = await ifThere(file, async (there) => (await stat(there)).size);
    if (bytes === undefined) this.known.delete(file);
    else this.rememberSize(file, bytes);
    return bytes;
  }

  private rememberSize(file: string, bytes: number): void {
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.set(file, bytes);
  }
}

const readsInFlight = 8;

/** The metadata of a block file; every pair must match when the file is read. */
function metadataOf(identity: BlockIdentity, block: StoredBlock): Readonly<Record<string, string>> {
  return {
    blockFormat: String(blockFormatVersion),
    weights: identity.weightsId,
    architecture: identity.architectureId,
    kvDtype: identity.kvDtype,
    blockTokens: String(identity.blockTokens),
    kvLayout: identity.kvLayoutId,
    numerics: identity.numericsId,
    ...(block.layers === undefined ? {} : { layers: block.layers }),
    parent: block.parent,
    tokens: block.tokens.join(","),
    key: block.key,
  };
}

/** Whether the file was read and is damaged. A disk error or too many open files say nothing about the file. */
function isDamage({ code }: Pick<RestoreRefusal, "code">): boolean {
  switch (code) {
    case "truncated":
    case "checksum":
    case "format":
    case "geometry":
    case "identity":
      return true;
    case "missing":
    case "unreadable":
    case "foreign":
      return false;
  }
}

/** Why a block was refused, with its number in the history, from 1. */
function reasonAt({ code, reason }: BlockFileRefusal, start: number, { blockTokens }: BlockIdentity): string {
  const block = `block ${Math.floor(start / blockTokens) + 1}`;
  return code === "checksum" ? `${block} failed its checksum` : `${block} was refused: ${reason}`;
}

/** An error while reading is a refusal like any other: the tokens are prefilled again. */
async function readOrRefuse(files: BlockFiles, request: BlockFileRead): Promise<BlockFileRefusal | undefined> {
  try {
    return await files.readBlockFile(request);
  } catch (error) {
    return { code: "unreadable", reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  return toErrorInfo(error).what;
}
