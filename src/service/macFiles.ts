/** How this program's files are treated on macOS; elsewhere as Node treats them. */
import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { NativeAddon } from "../native/binding";
import { durableFiles, durableFilesWith, makeFolder } from "../store/files";
import type { DurableFiles } from "../store/ports";

/**
 * The store's files. Node's sync empties the drive's own memory on macOS, some 20 ms for each of a commit's files; the addon
 * only keeps their order, and the sync of the folder at the commit's end does the rest for all of them.
 */
export function storeFiles(
  addon: () => Pick<NativeAddon, "syncFile">,
  platform: NodeJS.Platform = process.platform,
): DurableFiles {
  if (platform !== "darwin") return durableFiles;
  return durableFilesWith((handle, file) => addon().syncFile(handle.fd, file));
}

const exclusionName = "com.apple.metadata:com_apple_backup_excludeItem";

/**
 * Keeps Time Machine away from block files: gigabytes that change daily and can be computed again. Agents' turns are backed
 * up. Never rejects: a file system without attributes only costs room in the backup.
 */
export async function excludeFromBackups(
  folder: string,
  addon: () => Pick<NativeAddon, "setAttribute">,
  log: Log,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform !== "darwin") return;
  try {
    await makeFolder(folder);
    addon().setAttribute(folder, exclusionName, exclusionValue());
  } catch (error) {
    log.log("warn", `Time Machine will back up the blocks: ${toErrorInfo(error).what}`);
  }
}

/** The text "com.apple.backupd" as a binary property list, as `tmutil addexclusion` writes it. */
export function exclusionValue(): Uint8Array {
  const text = Buffer.from("com.apple.backupd", "ascii");
  const header = Buffer.from("bplist00", "ascii");
  // One object: ASCII text whose length follows as an integer of one byte.
  const object = Buffer.concat([Buffer.of(0x5f, 0x10, text.length), text]);
  const offsets = Buffer.of(header.length);
  const trailer = Buffer.alloc(32);
  trailer.writeUInt8(1, 6); // bytes of an offset
  trailer.writeUInt8(1, 7); // bytes of a reference
  trailer.writeBigUInt64BE(1n, 8); // objects
  trailer.writeBigUInt64BE(BigInt(header.length + object.length), 24); // where the offsets begin
  return Buffer.concat([header, object, offsets, trailer]);
}
