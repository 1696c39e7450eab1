import type { ChangeRank } from "./pinOrder";

/** The part of a `vscode.Memento` that is used. */
export interface SaveMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

const memoryKey = "resident.saves";
/** The ones that were saved last are kept. */
const mostFiles = 200;
/** After so long a save counts half. */
const halfLifeMs = 3 * 24 * 60 * 60 * 1000;
/** Steps in which saves are counted: of two files that are saved about equally often, the later one is the restless one. */
const savesStep = 4;

interface Saves {
  readonly count: number;
  readonly at: number;
}

/** How often and how late files were saved in this workspace. */
export class SaveHistory {
  private readonly saves: Map<string, Saves>;

  constructor(
    private readonly memory: SaveMemory,
    private readonly onError: (error: unknown) => void,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.saves = new Map(readSaves(memory.get(memoryKey)));
  }

  note(file: string): void {
    const at = this.nowMs();
    const count = this.countAt(file, at) + 1;
    this.saves.delete(file);
    this.saves.set(file, { count, at });
    for (const oldest of this.saves.keys()) {
      if (this.saves.size <= mostFiles) break;
      this.saves.delete(oldest);
    }
    this.memory.update(memoryKey, [...this.saves]).then(undefined, this.onError);
  }

  /** `modifiedAt`: what the disk says of a file whose saves were not seen. */
  rankOf(file: string, modifiedAt = 0): ChangeRank {
    const saves = Math.floor(this.countAt(file, this.nowMs()) / savesStep);
    return { saves, changedAt: Math.max(this.saves.get(file)?.at ?? 0, modifiedAt) };
  }

  private countAt(file: string, now: number): number {
    const known = this.saves.get(file);
    return known === undefined ? 0 : known.count * 0.5 ** (Math.max(0, now - known.at) / halfLifeMs);
  }
}

/** An earlier version of the program may have written it: what is not understood is left out. */
function readSaves(stored: unknown): readonly (readonly [string, Saves])[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return [];
    const [file, saves]: readonly unknown[] = entry;
    if (typeof file !== "string" || typeof saves !== "object" || saves === null) return [];
    if (!("count" in saves && "at" in saves)) return [];
    const { count, at } = saves;
    return typeof count === "number" && typeof at === "number" ? [[file, { count, at }] as const] : [];
  });
}
