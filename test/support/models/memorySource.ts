import type { ByteSource } from "../../../src/models/fileSource";

/** Bytes as a file. */
export function memorySource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: (buffer, position) => Promise.resolve(bytes.copy(buffer, 0, Math.min(position, bytes.length))),
  };
}
