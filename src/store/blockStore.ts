/**
 * Full KV blocks as immutable files named by their content, like git's objects: agents that share a prefix share the
 * files, a save writes only what is not there, and nothing is ever rewritten. A torn or foreign file is recognised on
 * reading, so writing needs no fsync.
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

/** Why stored cache was not used; the `atToken` tokens before it were. */
export interface RestoreRefusal {
  readonly code: BlockFileRefusal["code"] | "foreign";
  readonly reason: string;
  readonly atToken: number;
}

/** One block's place in a chain: what it is made of and where its file is. `tokens` may be fewer than a block's in a tail. */
export interface StoredBlock {
  readonly key: string;
  readonly parent: string;
  /** Position of its first token. */
  readonly start: number;
  readonly tokens: Int32Array;
  readonly path: string;
  /** Those with a window, where they have blocks of their own; absent: all others. */
  readonly layers?: "window";
}

/** How many files of a chain are there; `unreadable`: why nothing is known of those behind. */
export interface Presence {
  readonly present: number;
  readonly unreadable?: string;
}

export interface SavedBlock {
  readonly fileBytes: number;
  /** Written now; otherwise it was there. */
  readonly isNew: boolean;
}

/** More would take much memory; what is forgotten is only looked at again. */
const mostKnown = 100_000;

export class BlockStore {
  /**
   * Sizes of files that this process has seen or written, by path. Another process may have removed one since: then the
   * turn that wants it reads its tokens again, and the save after that writes it anew.
   */
  private readonly known = new Map<string, number>();
  private numLosses = 0;
  /** The store's mark of removals when it was looked at last. */
  private removals: string | undefined;
  /** Files behind a refused one in its chain: what damaged it may have damaged them, so the next save writes them anew. */
  private readonly distrusted = new Set<string>();
  private added: StoreUsage = { objects: 0, bytes: 0 };

  /** `root`: folder of all objects. */
  constructor(readonly root: string) {}

  /** Objects that this process has made so far, whether they are still there or not. */
  get made(): StoreUsage {
    return this.added;
  }

  /** Raised when files that were there may not be any more: whoever remembers what was saved looks again. */
  get losses(): number {
    return this.numLosses;
  }

  /** Learns whether anybody has removed files since. A save calls it once its keys are in the agent's key file. */
  async noticeRemovals(): Promise<void> {
    const removals = await readRemovalsMark(this.root).catch(reasonOf);
    if (removals === this.removals) return;
    this.removals = removals;
    this.known.clear();
    this.numLosses += 1;
  }

  objectPath(identity: BlockIdentity, key: string): string {
    return objectPath(this.root, modelFolder(identity), key);
  }

  /** The full blocks of `tokens` in order, whether their files exist or not. */
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

  /** The full block of `tokens` behind `parent`. */
  block(identity: BlockIdentity, parent: string, start: number, tokens: Int32Array): StoredBlock {
    const key = nextKey(parent, tokens);
    return { key, parent, start, tokens, path: this.objectPath(identity, key) };
  }

  /** A partial last block, in a file of its own. */
  tail(parent: string, start: number, tokens: Int32Array, file: string): StoredBlock {
    return { key: nextKey(parent, tokens), parent, start, tokens, path: file };
  }

  /** How many of `blocks` from the first have files, as far as the disk lets itself be looked at. Never rejects. */
  async findPresent(blocks: readonly StoredBlock[]): Promise<Presence> {
    for (let from = 0; from < blocks.length; from += looksInFlight) {
      const batch = blocks.slice(from, from + looksInFlight);
      const looks = await Promise.allSettled(batch.map((block) => this.look(block.path)));
      const end = looks.findIndex((look) => look.status === "rejected" || look.value === undefined);
      const look = looks[end];
      if (look === undefined) continue;
      return look.status === "rejected"
        ? { present: from + end, unreadable: reasonOf(look.reason) }
        : { present: from + end };
    }
    return { present: blocks.length };
  }

  /** Writes the block unless its file is there and trusted. */
  async save(files: BlockFiles, identity: BlockIdentity, stored: StoredBlock, block: BlockId): Promise<SavedBlock> {
    const fileBytes = this.known.get(stored.path) ?? (await this.look(stored.path));
    if (fileBytes !== undefined && !this.distrusted.has(stored.path)) return { fileBytes, isNew: false };
    const bytes = await this.write(files, identity, stored, block);
    this.learn(stored.path, bytes);
    const { added } = this;
    if (fileBytes === undefined) this.added = { objects: added.objects + 1, bytes: added.bytes + bytes };
    return { fileBytes: bytes, isNew: true };
  }

  /** Writes the file whether it is there or not. Resolves with its bytes. */
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
   * Reads `blocks` into the pool's `targets` (as many), a few at a time, until `signal` aborts. Resolves with how many from
   * the first are there now; the first that is refused ends the chain. A file that was read and is damaged is removed so
   * that the next save writes it anew. One that could not be read may be good: it stays.
   */
  async load(
    files: BlockFiles,
    identity: BlockIdentity,
    blocks: readonly StoredBlock[],
    targets: readonly BlockId[],
    signal?: AbortSignal,
  ): Promise<{ readonly loaded: number; readonly refused?: RestoreRefusal }> {
    // Later blocks were used a little earlier: eviction takes a chain from its end.
    const now = Date.now();
    for (let from = 0; from < blocks.length; from += readsInFlight) {
      if (signal?.aborted) return { loaded: from };
      const batch = blocks.slice(from, from + readsInFlight);
      // All of them, whatever becomes of one: the targets may be given back only when nobody writes them any more.
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

  /** Files that may be gone: the next save looks for them. */
  forget(paths: readonly string[]): void {
    for (const file of paths) this.known.delete(file);
    this.numLosses += 1;
  }

  private async look(file: string): Promise<number | undefined> {
    const bytes = await ifThere(file, async (there) => (await stat(there)).size);
    if (bytes === undefined) this.known.delete(file);
    else this.learn(file, bytes);
    return bytes;
  }

  private learn(file: string, bytes: number): void {
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.set(file, bytes);
  }
}

const readsInFlight = 8;

/** What a block file says of itself; each pair must be there again when it is read. */
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

/** Whether the file was read and is not what it should be. A disk that fails, or too many open files, says nothing of it. */
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

/** A failure of the reading itself is a refusal like others: the tokens are read again. */
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
