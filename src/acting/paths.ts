/**
 * Where in the workspace a path lies that a model wrote. Pure; links are followed by `resolvePath` alone. What is refused says why, in
 * words that a model can act on.
 */
import type { FileRef, WorkspaceFolder } from "./ports";

/** "hidden": a character that cannot be seen. "scheme": a URI that is no file's. "link": it leads out of the workspace. */
export type PathFault =
  | "empty"
  | "hidden"
  | "scheme"
  | "outside"
  | "folder"
  | "name"
  | "long"
  | "link"
  | "git"
  | "noFolder";

export class PathRefusal {
  constructor(
    readonly fault: PathFault,
    /** For the model: what is wrong and what to do. */
    readonly text: string,
  ) {}
}

const longestPath = 1024;
/** Controls, direction marks, zero-width characters, separators of lines, a byte-order mark. */
const hiddenCharacter = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

/** The place that `written` means, without looking at any file. "." and "" mean the folder, or all of them where there are several. */
export function placePath(written: string, folders: readonly WorkspaceFolder[]): FileRef | PathRefusal {
  if (folders.length === 0) return new PathRefusal("noFolder", "No folder is open, so there are no files.");
  if (written.length > longestPath)
    return new PathRefusal("long", `The path is longer than ${longestPath} characters.`);
  const hidden = hiddenCharacter.exec(written)?.[0];
  if (hidden !== undefined) return hiddenRefusal(hidden);
  const local = withoutScheme(written);
  if (local instanceof PathRefusal) return local;
  const slashed = local.replaceAll("\\", "/");
  if (slashed === "~" || slashed.startsWith("~/")) return outside(written);
  return isAbsolute(slashed) ? absolutePlace(written, slashed, folders) : relativePlace(written, slashed, folders);
}

function hiddenRefusal(hidden: string): PathRefusal {
  const code = (hidden.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return new PathRefusal(
    "hidden",
    `The path has a character that cannot be seen (U+${code}). Write the path without it.`,
  );
}

/** A `file:` URI becomes its path; one letter before the colon is a drive. */
function withoutScheme(written: string): string | PathRefusal {
  const scheme = /^([a-z][a-z0-9+.-]+):(?=[/\\])/i.exec(written)?.[1];
  if (scheme === undefined) return written;
  const refusal = new PathRefusal(
    "scheme",
    `"${written}" is not a path. Write the path in the workspace, such as src/main.ts.`,
  );
  if (scheme.toLowerCase() !== "file") return refusal;
  try {
    const path = decodeURIComponent(written.slice(5).replace(/^\/\/(?:localhost(?=\/))?/i, ""));
    if (hiddenCharacter.test(path) || !path.startsWith("/")) return refusal;
    return /^\/[a-z]:/i.test(path) ? path.slice(1) : path;
  } catch {
    return refusal; // broken percent signs
  }
}

function isAbsolute(slashed: string): boolean {
  return slashed.startsWith("/") || /^[a-z]:/i.test(slashed);
}

function outside(written: string): PathRefusal {
  return new PathRefusal(
    "outside",
    `"${written}" is outside of the workspace, where nothing may be read or changed. Write a path relative to the workspace.`,
  );
}

/** Parts of a path without "." and with ".." taken back; `undefined`: it goes above its beginning. */
function partsOf(slashed: string): readonly string[] | undefined {
  const parts: string[] = [];
  for (const part of slashed.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts;
}

/**
 * Some systems leave dots and spaces at the end of a name out: "... " may become "..". And what is told of a place must mean the same
 * place when it is written again, so no path begins like a drive, a scheme or a home folder.
 */
function oddName(parts: readonly string[]): PathRefusal | undefined {
  const [first = ""] = parts;
  const odd =
    parts.find((part) => /^[. ]+$/.test(part)) ?? (/^(?:[a-z][a-z0-9+.-]*:.*|~)$/i.test(first) ? first : undefined);
  return odd === undefined ? undefined : new PathRefusal("name", `"${odd}" is no name of a file or folder.`);
}

function absolutePlace(written: string, slashed: string, folders: readonly WorkspaceFolder[]): FileRef | PathRefusal {
  // Two slashes at the beginning name another machine.
  if (slashed.startsWith("//")) return outside(written);
  const parts = partsOf(slashed);
  if (parts === undefined) return outside(written);
  let best: { readonly folder: number; readonly depth: number } | undefined;
  for (const [folder, { path }] of folders.entries()) {
    const root = partsOf(path.replaceAll("\\", "/")) ?? [];
    if (root.every((part, index) => isSamePart(part, parts[index])) && root.length > (best?.depth ?? -1)) {
      best = { folder, depth: root.length };
    }
  }
  if (best === undefined) return outside(written);
  return madeRef(folders, best.folder, parts.slice(best.depth));
}

/** Drive letters have no case. */
function isSamePart(one: string, other: string | undefined): boolean {
  return one === other || (/^[a-z]:$/i.test(one) && one.toLowerCase() === other?.toLowerCase());
}

function relativePlace(written: string, slashed: string, folders: readonly WorkspaceFolder[]): FileRef | PathRefusal {
  const parts = partsOf(slashed);
  if (parts === undefined) return outside(written);
  if (folders.length === 1) return madeRef(folders, 0, parts);
  const [name, ...rest] = parts;
  const names = folders.map((folder) => folder.name).join(", ");
  if (name === undefined) {
    return new PathRefusal("folder", `The workspace has several folders: ${names}. Begin the path with one of them.`);
  }
  const folder = folders.findIndex((one) => one.name === name);
  if (folder < 0) {
    return new PathRefusal("folder", `The workspace has no folder "${name}". Begin the path with one of: ${names}.`);
  }
  return madeRef(folders, folder, rest);
}

function madeRef(folders: readonly WorkspaceFolder[], folder: number, parts: readonly string[]): FileRef | PathRefusal {
  const odd = oddName(parts);
  if (odd !== undefined) return odd;
  const path = parts.join("/");
  const first = folders.length > 1 ? [folders[folder]?.name ?? ""] : [];
  return { folder, path, shown: [...first, ...parts].join("/") || "." };
}

/** Whether it is in the folder that git keeps its own files in, however that is spelt. */
export function isGitPath(path: string): boolean {
  return path.split("/").some((part) => /^(?:\.git[. ]*|git~\d+)(?::.*)?$/i.test(part));
}

/** Files that decide what programs and agents may do here: settings, tasks and hooks. */
export function isDelicatePath(path: string): boolean {
  return /(?:^|\/)(?:\.vscode|\.husky|\.devcontainer)(?:[. ]*)\/|\.code-workspace$|(?:^|\/)\.(?:npmrc|envrc|gitconfig|gitattributes|gitmodules)$/i.test(
    path,
  );
}

/** What a folder is remembered by. */
export function folderKey({ path, uri }: WorkspaceFolder): string {
  return uri ?? path;
}

/** Whether an absolute path with "/" is a folder's or below it. */
export function isWithin(path: string, folder: string): boolean {
  const root = folder.endsWith("/") ? folder : `${folder}/`;
  return path === folder || path.startsWith(root);
}
