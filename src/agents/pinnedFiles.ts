/** An agent's pinned files: how its log has them, and what a list shows of them. */
import type { PinnedFile, PinnedFileView } from "../common/attachments";
import { MalformedJson } from "../store/json";
import type { FilesRecord } from "./turnRecords";

/** Texts that were there before are not written again: only what was changed is. */
export function filesRecord(files: readonly PinnedFile[], before: readonly PinnedFile[]): FilesRecord {
  const known = byPath(before);
  return {
    type: "files",
    files: files.map((file) => {
      const { path, digest, text } = file;
      return known.get(path)?.text === text ? { path, digest } : { path, digest, text };
    }),
  };
}

/** The files that a record pins. One that is as it was before is the same object. Throws `MalformedJson`. */
export function pinnedBy({ files }: FilesRecord, before: readonly PinnedFile[]): readonly PinnedFile[] {
  const known = byPath(before);
  return files.map(({ path, digest, text }) => {
    const old = known.get(path);
    if (old !== undefined && old.digest === digest && (text === undefined || text === old.text)) return old;
    const found = text ?? old?.text;
    if (found === undefined) throw new MalformedJson(`the text of ${path} is not there before it`);
    return { path, digest, text: found };
  });
}

export function isSameFiles(a: readonly PinnedFile[], b: readonly PinnedFile[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ path, digest, text }, index) => {
      const other = b[index];
      return other !== undefined && other.path === path && other.digest === digest && other.text === text;
    })
  );
}

/** What a manifest keeps. `tokensOf`: of a file that was counted. */
export function viewsOf(
  files: readonly PinnedFile[],
  tokensOf: (file: PinnedFile) => number | undefined = () => undefined,
): readonly PinnedFileView[] {
  return files.map((file) => {
    const { path, digest, text } = file;
    const tokens = tokensOf(file);
    return { path, digest, length: text.length, ...(tokens === undefined ? {} : { tokens }) };
  });
}

function byPath(files: readonly PinnedFile[]): ReadonlyMap<string, PinnedFile> {
  return new Map(files.map((file) => [file.path, file]));
}
