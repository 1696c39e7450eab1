import type { Attachment, PinnedFileView } from "../../common/attachments";
import { changeNotes, changeText } from "./changeText";
import { digestOf } from "./digest";
import type { FileReading } from "./fileReading";

/** A pinned file of an agent, and how the file is now. */
export interface Pin extends PinnedFileView {
  /** Its URI; absent: it is not known which file it is. */
  readonly file?: string;
  /** Its path since it was renamed. */
  readonly movedTo?: string;
  readonly now: PinNow;
}

export type PinNow =
  | { readonly is: "unknown" }
  | { readonly is: "same" }
  /** `told`: what the agent is told of it. */
  | { readonly is: "changed"; readonly told: string }
  /** More of it is different than a diff can tell. */
  | { readonly is: "rewritten" }
  /** Deleted, or no text any more: `problem` says so. */
  | { readonly is: "gone"; readonly told: string; readonly problem: string }
  | { readonly is: "elsewhere" };

/** What could not be pinned, or was left out when the files were read anew. */
export interface RefusedPin {
  readonly path: string;
  readonly problem: string;
}

/** How many of the files had changed when they were read anew. */
export interface Renewal {
  readonly changed: number;
  readonly of: number;
}

/** How the file of a pin is now. `pinnedText`: what the agent has of it. */
export async function lookAt(pin: Pin, reading: FileReading, pinnedText: () => Promise<string>): Promise<PinNow> {
  const renamed = pin.movedTo === undefined ? "" : changeNotes.renamed(pin.movedTo);
  switch (reading.is) {
    case "text": {
      if (reading.digest === pin.digest) return renamed === "" ? { is: "same" } : { is: "changed", told: renamed };
      const diff = await changeText(pin.path, await pinnedText(), reading.text);
      return diff === undefined ? { is: "rewritten" } : { is: "changed", told: renamed + diff };
    }
    case "missing":
      return { is: "gone", told: changeNotes.deleted, problem: "It was deleted." };
    case "folder":
      return { is: "gone", told: changeNotes.deleted, problem: "It is a folder now." };
    case "refused":
      return { is: "gone", told: changeNotes.unreadable, problem: reading.problem };
  }
}

/** Which part of all that is pinned is different, by length: 0 to 1 and more. */
function changedShare(pins: readonly Pin[]): number {
  const all = pins.reduce((sum, { length }) => sum + length, 0);
  const changed = pins.reduce((sum, { now, length }) => {
    if (now.is === "changed") return sum + now.told.length;
    return now.is === "rewritten" ? sum + length : sum;
  }, 0);
  return changed / Math.max(1, all);
}

/**
 * Renewing is worth it from a share on. Where a diff cannot tell what is different it is needed: the agent would go on with a
 * text that is not there any more.
 */
export function needsRenewal(pins: readonly Pin[], share: number): boolean {
  return pins.some(({ now }) => now.is === "rewritten") || changedShare(pins) > share;
}

/**
 * What the next message tells of the pinned files. `told`: the digest of what the conversation says last of each path. All
 * that a conversation says of a file is its whole difference from the pinned text, so that nothing depends on what was said
 * before.
 */
export function changesToTell(pins: readonly Pin[], told: ReadonlyMap<string, string>): readonly Attachment[] {
  return pins.flatMap(({ path, now }) => {
    const known = told.get(path);
    const isBack = now.is === "same" && known !== undefined;
    const text = now.is === "changed" || now.is === "gone" ? now.told : isBack ? changeNotes.asPinned : undefined;
    if (text === undefined) return [];
    const digest = digestOf(text);
    return digest === known ? [] : [{ kind: "change" as const, path, digest, text }];
  });
}
