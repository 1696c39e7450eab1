import { formatPatch, type StructuredPatch, structuredPatch } from "diff";

/** Lines around each change. */
const contextLines = 3;
/** Lines that may differ: what differs more is read anew, and comparing takes time with the square of it. */
const mostEdits = 1000;
/** Two texts are compared for so long at most: what is read anew is to begin within a second of the save. */
const mostMs = 500;
/** Texts of this length are compared at once, for so long at most. */
const shortLength = 100_000;
const mostMsAtOnce = 8;

/**
 * The change from `before` to `now` as a unified diff of `path`; `undefined`: too much of the file is different. Long texts,
 * and those that differ much, are compared in pieces, so that the thread can do other things meanwhile.
 */
export async function changeText(path: string, before: string, now: string): Promise<string | undefined> {
  const options = { context: contextLines, maxEditLength: mostEdits } as const;
  const isShort = before.length + now.length <= shortLength;
  const atOnce = isShort
    ? structuredPatch(path, path, before, now, undefined, undefined, { ...options, timeout: mostMsAtOnce })
    : undefined;
  const patch =
    atOnce ??
    (await new Promise<StructuredPatch | undefined>((resolve) => {
      structuredPatch(path, path, before, now, undefined, undefined, {
        ...options,
        timeout: mostMs,
        callback: resolve,
      });
    }));
  return patch && patchText(patch);
}

function patchText(patch: StructuredPatch): string {
  return formatPatch(patch, { includeIndex: false, includeUnderline: false, includeFileHeaders: true });
}

/** What the agent is told of a file whose change is no diff. */
export const changeNotes = {
  asPinned: "The file is again as it stands among the files of the workspace above.\n",
  deleted: "The file was deleted.\n",
  renamed: (to: string) => `The file is now ${to}.\n`,
  unreadable: "The file was changed, and cannot be read as text any more.\n",
} as const;
