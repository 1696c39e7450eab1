import type { PinnedFileView } from "../../common/attachments";
import type { DraftMemory } from "../chat/drafts";

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
    private readonly memory: DraftMemory,
    private readonly onError: (error: unknown) => void,
  ) {
    this.sources = new Map(readSources(memory.get(memoryKey)));
  }

  find(pinned: Pinned): PinSource | undefined {
    return this.sources.get(keyOf(pinned));
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
    this.memory.update(memoryKey, [...this.sources]).then(undefined, this.onError);
  }
}

function keyOf({ path, digest }: Pinned): string {
  return `${digest.slice(0, 32)} ${path}`;
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
