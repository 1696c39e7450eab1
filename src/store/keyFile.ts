/**
 * keys.bin: the keys of all block objects that an agent's branches refer to, of every identity, in order of saving. A
 * key in this file is a reference: `collect.ts` keeps the object. A save appends the keys before it checks which
 * objects exist, so that no process removes them in between.
 *
 * Records of 40 bytes: kind, 32 bytes, check of both. The keys of an identity follow its record. A record with a wrong
 * check is skipped. Writes do not wait for the disk: keys lost in a system failure only cost a second prefill of the
 * tokens.
 */
import { setImmediate } from "node:timers/promises";
import { type BlockIdentity, modelFolder, rootKey } from "./blockIdentity";
import type { DurableFiles } from "./ports";
import { readUntrusted } from "./untrustedFile";

const recordBytes = 40;
const payloadBytes = 32;
const kindBytes = 4;
const identityKind = 0x31_4e_44_49; // "IDN1"
const keyKind = 0x31_59_45_4b; // "KEY1"
/** Records that are decoded before the event loop may run other work. */
const recordsInSlice = 4096;
const folderDigits = 16;

/** Identifies an identity: the folder of its model, then the beginning of its root key. Hex, 64 characters. */
type GroupId = string;

/** Keys by identity, each with the number of its record. Keys whose identity record is damaged are under "". */
export type KeyGroups = ReadonlyMap<GroupId, ReadonlyMap<string, number>>;

interface DecodedKeys {
  readonly groups: Map<GroupId, Map<string, number>>;
  /** The identity that applies to the next record; `undefined`: unknown. */
  readonly last: GroupId | undefined;
  /** Number of complete records, including damaged ones. */
  readonly records: number;
}

/** Keys that a manifest of the older format contains. */
export interface KeysOfManifest {
  readonly identity: BlockIdentity;
  readonly keys: readonly string[];
}

/** The id of the identity's group in an agent's keys. */
export function groupOf(identity: BlockIdentity): GroupId {
  return modelFolder(identity) + rootKey(identity).slice(0, payloadBytes * 2 - folderDigits);
}

/** Folder of the group's objects under the store's root; `undefined` when the identity is unknown. */
export function folderOfGroup(group: GroupId): string | undefined {
  return group === "" ? undefined : group.slice(0, folderDigits);
}

async function decodeKeys(bytes: Buffer): Promise<DecodedKeys> {
  const groups = new Map<GroupId, Map<string, number>>();
  const records = Math.floor(bytes.length / recordBytes);
  let last: GroupId | undefined;
  for (let index = 0; index < records; index += 1) {
    if (index > 0 && index % recordsInSlice === 0) await setImmediate();
    const record = bytes.subarray(index * recordBytes, (index + 1) * recordBytes);
    const kind = isWhole(record) ? record.readUInt32LE(0) : undefined;
    const payload = record.toString("hex", kindBytes, kindBytes + payloadBytes);
    if (kind === keyKind) groupIn(groups, last ?? "").set(payload, index);
    else last = kind === identityKind ? payload : undefined;
  }
  return { groups, last, records };
}

function groupIn(groups: Map<GroupId, Map<string, number>>, id: GroupId): Map<string, number> {
  const known = groups.get(id);
  if (known !== undefined) return known;
  const made = new Map<string, number>();
  groups.set(id, made);
  return made;
}

function encodeRecord(kind: number, payload: string): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeUInt32LE(kind, 0);
  record.write(payload, kindBytes, payloadBytes, "hex");
  record.writeUInt32LE(checkOf(record), kindBytes + payloadBytes);
  return record;
}

function isWhole(record: Buffer): boolean {
  return record.readUInt32LE(kindBytes + payloadBytes) === checkOf(record);
}

/** FNV-1a over kind and payload, to detect damage. */
function checkOf(record: Buffer): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < kindBytes + payloadBytes; at += 1) hash = Math.imul(hash ^ (record[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Enough for the keys of 400 million tokens. */
const maxKeyBytes = 256 * 1024 * 1024;

/** Reads the file's complete records. Throws IO_FAILURE, STORE_CORRUPT. */
async function readRecords(file: string): Promise<Buffer> {
  const bytes = (await readUntrusted(file, maxKeyBytes)) ?? Buffer.alloc(0);
  return bytes.subarray(0, bytes.length - (bytes.length % recordBytes));
}

/** Reads all keys in `file`; none when there is no file. Needs no lock. Throws IO_FAILURE. */
export async function readKeys(file: string): Promise<KeyGroups> {
  return (await decodeKeys(await readRecords(file))).groups;
}

/** Copies the keys of `source` to `target`. Throws IO_FAILURE, DISK_FULL. */
export async function copyKeys(files: DurableFiles, source: string, target: string): Promise<void> {
  const bytes = await readRecords(source);
  if (bytes.length > 0) await files.writeAt(target, 0, bytes, false);
}

/** The one writer of an agent's keys. */
export class KeyFile {
  private content: Promise<DecodedKeys> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /** `file`: current path of the file. `old`: keys that are not in the file yet; the first save moves them there. */
  constructor(
    private readonly file: () => string,
    private readonly files: DurableFiles,
    private old: KeysOfManifest | undefined,
  ) {}

  /**
   * Returns a test for whether a key was saved with `identity`, within the first `committed` records; later records
   * belong to an unfinished save. `undefined`: the identity has no keys.
   */
  async saved(identity: BlockIdentity, committed: number): Promise<((key: string) => boolean) | undefined> {
    const id = groupOf(identity);
    const { old } = this;
    const group = (await this.load()).groups.get(id);
    const isOld = old !== undefined && groupOf(old.identity) === id;
    if (group === undefined && !isOld) return undefined;
    const oldKeys = new Set(isOld ? old.keys : []);
    return (key) => (group?.get(key) ?? committed) < committed || oldKeys.has(key);
  }

  /** Adds references to `keys`. Resolves with the number of records in the file. */
  add(identity: BlockIdentity, keys: readonly string[]): Promise<number> {
    return this.inTurn(async () => {
      if (this.old !== undefined) {
        await this.append(this.old.identity, this.old.keys);
        this.old = undefined;
      }
      return this.append(identity, keys);
    });
  }

  /** Adds references to all keys in another agent's file. Resolves with the number of records in this one. */
  async addAllOf(other: KeyFile): Promise<number> {
    const { groups } = await other.load();
    const keys = [...groups].map(([id, group]) => [id, [...group.keys()]] as const);
    return this.inTurn(async () => {
      let { records } = await this.load();
      // Keys whose identity is damaged name no objects.
      for (const [id, others] of keys) if (id !== "") records = await this.appendTo(id, others);
      return records;
    });
  }

  /** Two writes at once would overwrite each other. */
  private inTurn(work: () => Promise<number>): Promise<number> {
    const result = this.last.then(work);
    this.last = result.catch(() => {});
    return result;
  }

  private append(identity: BlockIdentity, keys: readonly string[]): Promise<number> {
    return this.appendTo(groupOf(identity), keys);
  }

  private async appendTo(id: GroupId, keys: readonly string[]): Promise<number> {
    const { groups, last, records } = await this.load();
    const group = groupIn(groups, id);
    const fresh = [...new Set(keys)].filter((key) => !group.has(key));
    if (fresh.length === 0) return records;
    const added = [
      ...(last === id ? [] : [encodeRecord(identityKind, id)]),
      ...fresh.map((key) => encodeRecord(keyKind, key)),
    ];
    try {
      await this.files.writeAt(this.file(), records * recordBytes, Buffer.concat(added), false);
    } catch (error) {
      // The next caller reads the file again.
      this.content = undefined;
      throw error;
    }
    const total = records + added.length;
    for (const [index, key] of fresh.entries()) group.set(key, total - fresh.length + index);
    this.content = Promise.resolve({ groups, last: id, records: total });
    return total;
  }

  private load(): Promise<DecodedKeys> {
    const content = this.content ?? readRecords(this.file()).then(decodeKeys);
    this.content = content;
    // After a failed read the next caller tries again.
    content.catch(() => {
      if (this.content === content) this.content = undefined;
    });
    return content;
  }
}
