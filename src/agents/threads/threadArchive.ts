import { ResidentError, toErrorInfo } from "../../common/errors";
import type { Log } from "../../common/log";
import type { AgentBlocks } from "../../engine/agentBlocks";
import { noBlock } from "../../engine/ports";
import { commonPrefix } from "../../engine/tokenHistory";
import { firstDifference, nextKey, rootKey } from "../../store/blockIdentity";
import type { BlockStore, StoredBlock } from "../../store/blockStore";
import { MalformedJson } from "../../store/json";
import { maxBodyBytes, type ThreadFiles } from "../../store/threadFiles";
import { windowTwin } from "../../store/windowFiles";
import type { Segment } from "../../text/messages";
import { runInSlices } from "../../text/steps";
import type { AgentCache } from "../agentCache";
import type { SavedCache } from "../cacheRestore";
import { blockAt, saveFullBlocks } from "../cacheSave";
import type { ModelSession } from "../ports";
import type { Digest } from "./digests";
import type { Thread } from "./thread";
import type { ThreadSource } from "./threadBook";
import { decodeThread, encodeThread, type SavedBlocks, type ThreadTail } from "./threadRecords";

/** Branches whose last, partly filled blocks are kept. */
const mostTails = 4;

/** Threads whose files are remembered. Others are read again. */
const mostKnown = 256;

/** Files that are longer are not read for their beginning: they would take longer than it is worth. */
const mostOpeningBytes = 4 * 2 ** 20;

/** What this process knows of a thread's file. */
interface KnownFile {
  /** Of the file, when it was read or written last. */
  readonly version: string | undefined;
  /** Keys of full blocks, in order of saving. */
  readonly keys: ReadonlySet<string>;
  readonly blockBytes: number;
  readonly saved: SavedBlocks | undefined;
}

const nothingKnown: KnownFile = { version: undefined, keys: new Set(), blockBytes: 0, saved: undefined };

const nothingSaved: SavedCache = {
  manifest: undefined,
  keys: async () => undefined,
  tailPath: () => "",
  continuations: async () => [],
};

/** Keeps threads on disk: a file with the answers of each, and its blocks as objects of the store. */
export class ThreadArchive implements ThreadSource {
  private readonly known = new Map<Digest, KnownFile>();

  constructor(
    private readonly files: ThreadFiles,
    private readonly blocks: BlockStore,
    private readonly log: Log,
  ) {}

  /** A file that cannot be read is left out; a damaged one is removed. Never rejects. */
  async read(key: Digest, isKnown: boolean): Promise<Thread | undefined> {
    try {
      const version = await this.files.version(key);
      if (version === undefined || (isKnown && this.known.get(key)?.version === version)) return undefined;
      const stored = await this.files.read(key);
      if (stored === undefined) return undefined;
      const { thread, saved } = decodeThread(stored.body);
      if (thread.key !== key) throw new MalformedJson("it is another thread than its name says");
      const tails = new Set(saved?.tails.map(keyOfTail));
      const keys = new Set(stored.keys.filter((one) => !tails.has(one)));
      this.remember(key, { version, keys, blockBytes: stored.blockBytes, saved });
      return thread;
    } catch (error) {
      this.log.log("warn", `a saved conversation of another program is not used: ${toErrorInfo(error).what}`);
      if (error instanceof MalformedJson) await this.files.remove(key).catch(() => {});
      return undefined;
    }
  }

  /**
   * How the newest conversations with this model begin: the first prompt of each and its answer, oldest first. Only what a request
   * is compared with, so one that cannot be read is left out. Never rejects.
   */
  async openings({ identity }: ModelSession, count: number): Promise<readonly (readonly Segment[])[]> {
    const read = async (name: string): Promise<readonly Segment[]> => {
      const stored = await this.files.read(name);
      const { thread, saved } = stored === undefined ? {} : decodeThread(stored.body);
      if (saved === undefined || firstDifference(saved.identity, identity) !== undefined) return [];
      return [...(thread?.first.values() ?? [])].find(({ keep }) => keep === 0)?.added ?? [];
    };
    try {
      const names = await this.files.newest(count, mostOpeningBytes);
      const found = await Promise.all(names.map((name) => read(name).catch(() => [])));
      return found.filter((segments) => segments.length > 0).reverse();
    } catch (error) {
      this.log.log("warn", `saved conversations of other programs are not compared: ${toErrorInfo(error).what}`);
      return [];
    }
  }

  /** What of `tokens` may be on disk. */
  async savedFor(thread: Thread, session: ModelSession, tokens: Int32Array): Promise<SavedCache> {
    const { saved, keys, blockBytes } = this.known.get(thread.key) ?? nothingKnown;
    if (saved === undefined) return nothingSaved;
    const tail = await this.tailFor(saved, session, tokens);
    const pathOf = (one: ThreadTail) => this.blocks.objectPath(session.identity, keyOfTail(one));
    return {
      manifest: {
        identity: saved.identity,
        keyRecords: 0,
        tokens: tokens.length,
        bytes: keys.size * blockBytes,
        ...(tail === undefined ? {} : { tail: { ...tail, generation: 0 } }),
      },
      keys: async (identity) =>
        firstDifference(saved.identity, identity) === undefined ? (key) => keys.has(key) : undefined,
      tailPath: () => (tail === undefined ? "" : pathOf(tail)),
      continuations: async () => [],
    };
  }

  /**
   * Writes the thread's answers and the blocks of `caches`, which belong to it. The file names the blocks before they are
   * looked for, so that no process removes them in between. Resolves with the bytes of new blocks. Rejects with DISK_FULL
   * or IO_FAILURE; what was saved before stays.
   */
  async save(thread: Thread, caches: readonly AgentCache[]): Promise<number> {
    const theirs = await this.read(thread.key, true);
    if (theirs !== undefined) thread.merge(theirs);
    let bytes = 0;
    for (const cache of caches) {
      bytes += await cache.saveWith((session, blocks) => this.saveBlocks(thread, session, blocks));
    }
    await this.write(thread, this.known.get(thread.key) ?? nothingKnown);
    return bytes;
  }

  private async saveBlocks(thread: Thread, session: ModelSession, blocks: AgentBlocks): Promise<number> {
    const { identity, files } = session;
    const before = this.known.get(thread.key) ?? nothingKnown;
    const isSame = before.saved !== undefined && firstDifference(before.saved.identity, identity) === undefined;
    const keys = new Set([...(isSame ? before.keys : []), ...blocks.keys]);
    const tail = tailOf(session, blocks);
    const others = isSame ? (before.saved?.tails ?? []).filter((one) => !isSameTail(one, tail)) : [];
    const tails = [...others, ...(tail === undefined ? [] : [tail.entry])].slice(-mostTails);
    const named: KnownFile = { ...before, keys, saved: { identity, tails } };
    await this.write(thread, named);
    await this.blocks.checkRemovals();
    const sizes: number[] = [];
    let bytes = await saveFullBlocks(this.blocks, session, blocks, 0, sizes);
    if (tail !== undefined) {
      const { stored, block, window } = tail;
      const placed = { ...stored, path: this.blocks.objectPath(identity, stored.key) };
      const saves = [await this.blocks.save(files, identity, placed, block)];
      if (window !== noBlock) saves.push(await this.blocks.save(files, identity, windowTwin(placed), window));
      for (const { fileBytes, isNew } of saves) if (isNew) bytes += fileBytes;
    }
    const blockBytes = sizes.length === 0 ? before.blockBytes : (sizes.at(-1) ?? 0) / sizes.length;
    const { version } = this.known.get(thread.key) ?? nothingKnown;
    this.remember(thread.key, { ...named, version, blockBytes });
    return bytes;
  }

  private async write(thread: Thread, known: KnownFile): Promise<void> {
    const { keys, saved, blockBytes } = known;
    const body = await runInSlices(encodeThread({ thread, ...(saved && { saved }) }));
    if (body.length > maxBodyBytes / 3) {
      const what = "a conversation of another program is too long to be kept on disk";
      throw new ResidentError("INVALID_REQUEST", what, "start a new one", { length: body.length });
    }
    const named = [...keys, ...(saved?.tails ?? []).map(keyOfTail)];
    const version = await this.files.write(thread.key, { keys: named, blockBytes, body });
    this.remember(thread.key, { ...known, version });
  }

  /** The tail that agrees most with `tokens`, if its file is there. */
  private async tailFor(
    { tails, identity }: SavedBlocks,
    session: ModelSession,
    tokens: Int32Array,
  ): Promise<ThreadTail | undefined> {
    if (firstDifference(identity, session.identity) !== undefined) return undefined;
    const agreeing = (tail: ThreadTail) => {
      const common = commonPrefix(Int32Array.from(tail.tokens), tokens.subarray(tail.start));
      return common === 0 ? 0 : tail.start + common;
    };
    const [best] = [...tails].filter((tail) => agreeing(tail) > 0).sort((a, b) => agreeing(b) - agreeing(a));
    if (best === undefined) return undefined;
    const path = this.blocks.objectPath(session.identity, keyOfTail(best));
    const block = this.blocks.tail(best.parent, best.start, Int32Array.from(best.tokens), path);
    const { present } = await this.blocks.findPresent([block]);
    return present === 1 ? best : undefined;
  }

  private remember(key: Digest, known: KnownFile): void {
    this.known.delete(key);
    this.known.set(key, known);
    const [oldest] = this.known.keys();
    if (this.known.size > mostKnown && oldest !== undefined) this.known.delete(oldest);
  }
}

interface Tail {
  readonly entry: ThreadTail;
  readonly stored: Omit<StoredBlock, "path">;
  readonly block: number;
  readonly window: number;
}

/** The last block of a cache, where it is not full. */
function tailOf({ identity }: ModelSession, { keys, tokenIds, table, windowTable }: AgentBlocks): Tail | undefined {
  const parent = keys.at(-1) ?? rootKey(identity);
  const start = keys.length * identity.blockTokens;
  const tokens = tokenIds.slice(start);
  if (tokens.length === 0) return undefined;
  return {
    entry: { parent, start, tokens: [...tokens], bytes: 0 },
    stored: { key: nextKey(parent, tokens), parent, start, tokens },
    block: blockAt(table, keys.length),
    window: windowTable[keys.length] ?? noBlock,
  };
}

function isSameTail(one: ThreadTail, tail: Tail | undefined): boolean {
  return tail !== undefined && keyOfTail(one) === tail.stored.key;
}

function keyOfTail({ parent, tokens }: ThreadTail): string {
  return nextKey(parent, Int32Array.from(tokens));
}
