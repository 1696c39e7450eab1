import { open, utimes } from "node:fs/promises";
import path from "node:path";

/**
 * Flips a bit of the embedding in place, 64 KB after its beginning or at its end: the file keeps its inode, its length
 * and its time of modification.
 */
export async function changeWeights(directory: string): Promise<void> {
  const file = path.join(directory, "model.safetensors");
  const handle = await open(file, "r+");
  try {
    const { atimeMs, mtimeMs } = await handle.stat();
    const head = Buffer.alloc(8);
    await handle.read(head, 0, 8, 0);
    const json = Buffer.alloc(Number(head.readBigUInt64LE(0)));
    await handle.read(json, 0, json.length, 8);
    const [begin, end]: readonly [number, number] = JSON.parse(json.toString())["model.embed_tokens.weight"]
      .data_offsets;
    const at = 8 + json.length + Math.min(begin + 65_536, end - 1);
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([byte.readUInt8(0) ^ 1]), 0, 1, at);
    await handle.close();
    await utimes(file, atimeMs / 1000, mtimeMs / 1000);
  } finally {
    await handle.close().catch(() => {});
  }
}
