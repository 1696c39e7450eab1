import type { ByteSource } from "../../../src/store/untrustedFile";

/** A file that is only in memory. */
export function bytesIn(contents: Uint8Array): ByteSource {
  return {
    bytes: contents.length,
    read: async (position, length) => Buffer.from(contents.subarray(position, position + length)),
  };
}
