/** How the store reaches the device and the disk. The addon's pool and lock fit these shapes as they are. */
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
  /** A block that no sequence's table names. */
  readonly block: BlockId;
  readonly tokens: number;
  /** Every pair must stand in the file's metadata exactly so. */
  readonly expect: Readonly<Record<string, string>>;
  /** When a file that holds it counts as used, in milliseconds since 1970; absent: nothing is changed. */
  readonly usedAt?: number;
}

export type BlockFileRefusal =
  | {
      readonly code: "missing" | "truncated" | "checksum" | "format" | "geometry" | "unreadable";
      readonly reason: string;
    }
  | { readonly code: "identity"; readonly reason: string; readonly key: string };

/** Moves one block between the pool and a file. Bytes never pass through here. */
export interface BlockFiles {
  readonly blockTokens: number;
  /** Writes under a temporary name and renames. Resolves with the bytes written. */
  writeBlockFile(request: BlockFileWrite): Promise<number>;
  /** Reads into the block and verifies; what a refused block holds is unknown. */
  readBlockFile(request: BlockFileRead): Promise<BlockFileRefusal | undefined>;
}

/** What a block file says of itself; `refused`: why it is not to be believed. */
export interface BlockFileCheck {
  readonly metadata: Readonly<Record<string, string>>;
  readonly refused?: BlockFileRefusal;
}

/** Verifies block files of any model, without one. */
export interface BlockChecker {
  checkBlockFile(path: string): Promise<BlockFileCheck>;
}

export interface FileLock {
  release(): void;
}

export interface FileLocks {
  /** An exclusive lock that dies with its process; `undefined` when another holder has it. */
  tryLock(path: string): FileLock | undefined;
}

export type Durability = "kept" | "whole";

/** The few ways in which the store changes files that must survive a crash. */
export interface DurableFiles {
  /**
   * Makes `path` hold what it held before `position`, then `bytes`, and nothing behind them; on disk when resolved. With
   * `sync` false it survives the process, not a failure of the system.
   */
  writeAt(path: string, position: number, bytes: Uint8Array, sync?: boolean): Promise<void>;
  /**
   * Replaces the file as a whole, or leaves it as it was. "kept": the new one is on disk when resolved. "whole": after a
   * failure of the system either the old or the new one is there, whole. With `after` the new file takes the place of the
   * old one only when `after` has resolved; when it rejects, the old one stays and this rejects too.
   */
  replace(path: string, bytes: Uint8Array, durability?: Durability, after?: Promise<void>): Promise<void>;
}
