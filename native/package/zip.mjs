/** Reads zip files (PKWARE APPNOTE 4.3.7, 4.3.12 and 4.3.16; no ZIP64), as far as packages use them. */
import fs from "node:fs";
import path from "node:path";
import { inflateRawSync } from "node:zlib";

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;
const stored = 0;

/**
 * @param {string} file
 * @returns {{ name: string, mode: number, bytes: () => Buffer }[]} its entries, in the order of its central directory;
 *   `mode`: of Unix
 */
export function readZip(file) {
  const zip = fs.readFileSync(file);
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== endOfDirectory) end--;
  if (end < 0) throw new Error(`${file} is not a zip file`);
  const entries = [];
  for (let at = zip.readUInt32LE(end + 16), left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== directoryEntry) throw new Error(`${file} has a torn directory`);
    const nameBytes = zip.readUInt16LE(at + 28);
    const entry = {
      method: zip.readUInt16LE(at + 10),
      packedBytes: zip.readUInt32LE(at + 20),
      start: zip.readUInt32LE(at + 42),
    };
    entries.push({
      name: zip.toString("utf8", at + 46, at + 46 + nameBytes),
      mode: zip.readUInt32LE(at + 38) >>> 16,
      bytes: () => unpack(zip, entry),
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

function unpack(zip, { method, packedBytes, start }) {
  const from = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28);
  const packed = zip.subarray(from, from + packedBytes);
  return method === stored ? packed : inflateRawSync(packed);
}

/** Writes what is in `file` below `folder`. */
export function unzip(file, folder) {
  for (const { name, bytes } of readZip(file)) {
    const target = path.join(folder, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, bytes());
  }
}
