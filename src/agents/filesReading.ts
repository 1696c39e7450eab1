import type { FilesRead } from "../protocol/service";

/** What reading an agent's pinned files takes, from the moment that they are set until they are read. */
export class FilesReading {
  isOpen = false;
  taken: FilesRead | undefined;

  /** They were set. */
  begin(): void {
    this.isOpen = true;
    this.taken = undefined;
  }

  /** A reading of prompts with them ended. `isWhole`: it came to its end. */
  add({ reused, prefilled }: FilesRead, isWhole: boolean): void {
    if (!this.isOpen) return;
    // What an earlier part of the reading has read is no find.
    const first = this.taken ?? { reused, prefilled: 0 };
    this.taken = { reused: first.reused, prefilled: first.prefilled + prefilled };
    this.isOpen = !isWhole;
  }

  /** A message comes: its own figures say what is read. */
  end(): void {
    this.isOpen = false;
  }
}
