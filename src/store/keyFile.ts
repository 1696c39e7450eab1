/**
 * keys.bin: the keys of all block objects that an agent's branches refer to, of every identity, in order of saving. What
 * stands there is referred to: `collect.ts` keeps the objects. A save appends the keys before it looks for the objects, so
 * that nobody removes them in between.
 *
 * Records of 40 bytes: kind, 32 bytes, check of both. An identity's record begins the keys that belong to it. A record
 * with a wrong check is skipped. Nothing waits for the disk: keys that a failing system loses cost a second reading of
 * the tokens, no more.
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
/** Records that are decoded without letting others run. */
const recordsInSlice = 4096;
const folderDigits = 16;

/** Names an identity: the folder of its model, then the beginning of its root key. Hex, 64 characters. */
type GroupId = string;

/** Keys by the identity that they belong to, each with its record's number; those whose identity's record is damaged under "". */
export type KeyGroups = ReadonlyMap<GroupId, ReadonlyMap<string, number>>;

interface DecodedKeys {
  readonly groups: Map<GroupId, Map<string, number>>;
  /** The identity of the next record; `undefined`: not known. */
  readonly last: GroupId | undefined;
  /** Whole records, damaged ones included. */
  readonly records: number;
}

/** Keys that a manifest of an older format has. */
export interface KeysOfManifest {
  readonly identity: BlockIdentity;
  readonly keys: readonly string[];
}

/** Names the identity's keys among those of an agent. */
export function groupOf(identity: BlockIdentity): GroupId {
  return modelFolder(identity) + rootKey(identity).slice(0, payloadBytes * 2 - folderDigits);
}

/** Folder of the group's objects under the store's root; `undefined` where the identity is not known. */
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

/** FNV-1a over kind and payload: finds damage. */
function checkOf(record: Buffer): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < kindBytes + payloadBytes; at += 1) hash = Math.imul(hash ^ (record[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Those of more than 400 million tokens. */
const maxKeyBytes = 256 * 1024 * 1024;

/** The file's whole records. Throws IO_FAILURE, STORE_CORRUPT. */
async function readRecords(file: string): Promise<Buffer> {
  const bytes = (await readUntrusted(file, maxKeyBytes)) ?? Buffer.alloc(0);
  return bytes.subarray(0, bytes.length - (bytes.length % recordBytes));
}

/** All keys in the file at `file`; none where there is no file. Needs no lock. Throws IO_FAILURE. */
export async function readKeys(file: string): Promise<KeyGroups> {
  return (await decodeKeys(await readRecords(file))).groups;
}

/** Makes `target` hold the keys of `source`. Throws IO_FAILURE, DISK_FULL. */
export async function copyKeys(files: DurableFiles, source: string, target: string): Promise<void> {
  const bytes = await readRecords(source);
  if (bytes.length > 0) await files.writeAt(target, 0, bytes, false);
}

/** The one writer of an agent's keys. */
export class KeyFile {
  private content: Promise<DecodedKeys> | undefined;

  /** `file`: where the keys are now. `old`: keys that are not in the file yet; the first save moves them there. */
  constructor(
    private readonly file: () => string,
    private readonly files: DurableFiles,
    private old: KeysOfManifest | undefined,
  ) {}

  /**
   * Whether a key is among those that were saved with `identity`: in the first `committed` records. Those behind belong to a
   * save that was not ended. `undefined`: none is.
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

  /** Names `keys` as referred to. Resolves with the number of the file's records. */
  async add(identity: BlockIdentity, keys: readonly string[]): Promise<number> {
    if (this.old !== undefined) {
      await this.append(this.old.identity, this.old.keys);
      this.old = undefined;
    }
    return this.append(identity, keys);
  }

  private async append(identity: BlockIdentity, keys: readonly string[]): Promise<number> {
    const { groups, last, records } = await this.load();
    const id = groupOf(identity);
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
      // Whoever asks next reads what is there.
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
    // What could not be read is read again by whoever asks next.
    content.catch(() => {
      if (this.content === content) this.content = undefined;
    });
    return content;
  }
}
