import type { PinnedFileView } from "../../common/attachments";
import type { Memory } from "../window/memory";

/** Where a pinned file comes from. */
export interface PinSource {
  /** Its URI. */
  readonly file: string;
  /** Its path since it was renamed; the agent knows it under the one before. */
  readonly movedTo?: string;
}

type Pinned = Pick<PinnedFileView, "path" | "digest">;

const memoryKey = "resident.pinSources";
/** The last ones are kept. */
const mostSources = 500;

/**
 * Which files agents' pinned files are. An agent knows paths only, and is at home in all workspaces; its forks and copies
 * have the same paths and digests, so that they find the same files.
 */
export class PinSources {
  private readonly sources: Map<string, PinSource>;

  constructor(
    private readonly memory: Memory,
    private readonly onError: (error: unknown) => void,
  ) {
    this.sources = new Map(readSources(memory.get(memoryKey)));
  }

  find(pinned: Pinned): PinSource | undefined {
    return this.sources.get(keyOf(pinned));
  }

  /** A file has another name now: the agents that have it pinned, also those that nobody uses at the moment, find it. */
  moved(from: string, to: string, path: string): void {
    const moved = [...this.sources].filter(([, source]) => source.file === from);
    for (const [key] of moved) {
      // Back under the name that the agent knows.
      const isBack = key.slice(digestLength + 1) === path;
      this.sources.set(key, isBack ? { file: to } : { file: to, movedTo: path });
    }
    if (moved.length > 0) this.write();
  }

  keep(entries: readonly (Pinned & PinSource)[]): void {
    if (entries.length === 0) return;
    for (const { path, digest, file, movedTo } of entries) {
      const key = keyOf({ path, digest });
      this.sources.delete(key);
      this.sources.set(key, movedTo === undefined ? { file } : { file, movedTo });
    }
    for (const oldest of this.sources.keys()) {
      if (this.sources.size <= mostSources) break;
      this.sources.delete(oldest);
    }
    this.write();
  }

  /** All files that are pinned somewhere, as URIs. */
  get files(): readonly string[] {
    return [...new Set([...this.sources.values()].map(({ file }) => file))];
  }

  private write(): void {
    this.memory.update(memoryKey, [...this.sources]).then(undefined, this.onError);
  }
}

/** Half of a digest is enough to tell texts apart, and the memory is small. */
const digestLength = 32;

function keyOf({ path, digest }: Pinned): string {
  return `${digest.slice(0, digestLength)} ${path}`;
}

/** An earlier version of the program may have written it: what is not understood is left out. */
function readSources(stored: unknown): readonly (readonly [string, PinSource])[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return [];
    const [key, source]: readonly unknown[] = entry;
    if (typeof key !== "string" || typeof source !== "object" || source === null || !("file" in source)) return [];
    const { file } = source;
    const movedTo = "movedTo" in source && typeof source.movedTo === "string" ? source.movedTo : undefined;
    if (typeof file !== "string") return [];
    return [[key, movedTo === undefined ? { file } : { file, movedTo }] as const];
  });
}
