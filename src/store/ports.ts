/** What the store needs from the device and the disk. The addon's pool and lock have these shapes. */
import type { BlockId } from "../engine/ports";

export interface BlockFileWrite {
  readonly block: BlockId;
  /** Number of valid tokens in the block, 1…blockTokens. */
  readonly tokens: number;
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface BlockFileRead {
  readonly path: string;
  /** A block that is in no sequence's table. */
  readonly block: BlockId;
  readonly tokens: number;
  /** Every pair must be in the file's metadata with exactly this value. */
  readonly expect: Readonly<Record<string, string>>;
  /** Time of last use to set on a good file, in milliseconds since 1970; absent: the time is not changed. */
  readonly usedAt?: number;
}

export type BlockFileRefusal =
  | {
      readonly code: "missing" | "truncated" | "checksum" | "format" | "geometry" | "unreadable";
      readonly reason: string;
    }
  | { readonly code: "identity"; readonly reason: string; readonly key: string };

/** Moves one block between the pool and a file. The bytes do not pass through JavaScript. */
export interface BlockFiles {
  readonly blockTokens: number;
  /** Writes to a temporary name, then renames. Resolves with the number of bytes written. */
  writeBlockFile(request: BlockFileWrite): Promise<number>;
  /** Reads into the block and verifies it; the contents of a refused block are unknown. */
  readBlockFile(request: BlockFileRead): Promise<BlockFileRefusal | undefined>;
}

/** The metadata of a block file; `refused`: why the file cannot be trusted. */
export interface BlockFileCheck {
  readonly metadata: Readonly<Record<string, string>>;
  readonly refused?: BlockFileRefusal;
}

/** Verifies block files of any model; needs no loaded model. */
export interface BlockChecker {
  checkBlockFile(path: string): Promise<BlockFileCheck>;
}

export interface FileLock {
  release(): void;
}

export interface FileLocks {
  /** An exclusive lock that ends with its process; `undefined` when another holder has it. */
  tryLock(path: string): FileLock | undefined;
}

export type Durability = "kept" | "whole";

/** The only operations with which the store changes files that must survive a crash. */
export interface DurableFiles {
  /**
   * Writes `bytes` at `position` and truncates the file after them; on disk when resolved. With `sync` false the bytes
   * survive the end of the process, but not a system failure.
   */
  writeAt(path: string, position: number, bytes: Uint8Array, sync?: boolean): Promise<void>;
  /**
   * Replaces the whole file or leaves it as it was. "kept": the new file is on disk when resolved. "whole": after a
   * system failure either the old or the new file is there, complete. With `after` the new file replaces the old one
   * only after `after` has resolved; when `after` rejects, the old file stays and this rejects too.
   */
  replace(path: string, bytes: Uint8Array, durability?: Durability, after?: Promise<void>): Promise<void>;
}
