import { createHash } from "node:crypto";
import { endianness } from "node:os";
import type { BlockHasher } from "../engine/ports";
import { type JsonObject, readCount, readString } from "./json";

/**
 * Raised when the meaning of a block object changes; part of every key, so older objects are never found by accident.
 */
export const blockFormatVersion = 1;

/** Everything except the tokens that determines the bits of a KV block. */
export interface BlockIdentity {
  readonly weightsId: string;
  readonly architectureId: string;
  readonly kvDtype: string;
  readonly blockTokens: number;
  readonly kvLayoutId: string;
  readonly numericsId: string;
}

/** Throws `MalformedJson`. */
export function decodeIdentity(object: JsonObject): BlockIdentity {
  return {
    weightsId: readString(object, "weightsId"),
    architectureId: readString(object, "architectureId"),
    kvDtype: readString(object, "kvDtype"),
    blockTokens: readCount(object, "blockTokens"),
    kvLayoutId: readString(object, "kvLayoutId"),
    numericsId: readString(object, "numericsId"),
  };
}

/** Key of the empty prefix: a digest of the identity alone. Hex, 64 characters, as are all keys. */
export function rootKey(identity: BlockIdentity): string {
  const fields = [
    blockFormatVersion,
    identity.weightsId,
    identity.architectureId,
    identity.kvDtype,
    identity.blockTokens,
    identity.kvLayoutId,
    identity.numericsId,
  ];
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** Key of a block: digest of its parent's key and its token ids as little-endian 32-bit integers. */
export function nextKey(parent: string, tokens: Int32Array): string {
  return createHash("sha256").update(parent, "hex").update(tokenBytes(tokens)).digest("hex");
}

export function createBlockHasher(identity: BlockIdentity): BlockHasher {
  return { root: rootKey(identity), next: nextKey };
}

/** Folder of a model's objects. It holds the model's objects of all numerics and layouts. */
export function modelFolder(identity: Pick<BlockIdentity, "weightsId" | "architectureId">): string {
  return createHash("sha256")
    .update(JSON.stringify([identity.weightsId, identity.architectureId]))
    .digest("hex")
    .slice(0, 16);
}

/** Describes the first field in which two identities differ, for a refusal's reason. */
export function firstDifference(stored: BlockIdentity, current: BlockIdentity): string | undefined {
  for (const [field, words] of identityWords) {
    if (stored[field] !== current[field]) return `${words} ${stored[field]}, this is ${current[field]}`;
  }
  return undefined;
}

const identityWords: readonly (readonly [keyof BlockIdentity, string])[] = [
  ["weightsId", "it was made with weights"],
  ["architectureId", "it was made with the architecture"],
  ["kvDtype", "its K/V dtype is"],
  ["blockTokens", "its number of tokens per block is"],
  ["kvLayoutId", "its K/V layout is"],
  ["numericsId", "it was computed by"],
];

const isLittleEndian = endianness() === "LE";

/** Token ids as they are hashed and written: little-endian, whatever the machine. */
export function tokenBytes(tokens: Int32Array): Buffer {
  if (isLittleEndian) return Buffer.from(Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength));
  const bytes = Buffer.allocUnsafe(tokens.length * 4);
  tokens.forEach((id, index) => {
    bytes.writeInt32LE(id, index * 4);
  });
  return bytes;
}

/** The inverse of `tokenBytes`; ignores the last bytes when the length is not a multiple of 4. */
export function tokensFromBytes(bytes: Uint8Array): Int32Array {
  if (isLittleEndian) {
    const tokens = new Int32Array(Math.floor(bytes.byteLength / 4));
    new Uint8Array(tokens.buffer).set(bytes.subarray(0, tokens.byteLength));
    return tokens;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, index) => view.getInt32(index * 4, true));
}
