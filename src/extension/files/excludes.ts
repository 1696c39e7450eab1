import ignore from "ignore";

/**
 * One glob for all that `search.exclude` leaves out; `undefined`: nothing. VS Code itself adds `files.exclude` to a search
 * with such a glob. Entries that depend on other files are left to VS Code's own search.
 */
export function excludeGlob(setting: unknown): string | undefined {
  const globs = globsIn(setting);
  return globs.length === 0 ? undefined : `{${globs.join(",")}}`;
}

/**
 * Whether settings such as `files.exclude` leave out a path below a folder, or a folder above it: for file systems that VS Code cannot
 * search. Git's patterns mean the same as VS Code's globs where they begin at the folder and have no braces.
 */
export function excludedBy(...settings: readonly unknown[]): (path: string) => boolean {
  const rules = ignore({ ignorecase: false }).add(settings.flatMap(globsIn).flatMap(withoutBraces).map(fromFolder));
  return (path) => rules.ignores(path);
}

function globsIn(setting: unknown): readonly string[] {
  if (typeof setting !== "object" || setting === null) return [];
  return Object.entries(setting).flatMap(([glob, isOn]) => (isOn === true && glob.trim() !== "" ? [glob] : []));
}

/** "a/{b,c}" becomes "a/b" and "a/c". */
function withoutBraces(glob: string): readonly string[] {
  const [whole, inside = ""] = /\{([^{}]*)\}/.exec(glob) ?? [];
  if (whole === undefined) return [glob];
  return inside.split(",").flatMap((part) => withoutBraces(glob.replace(whole, () => part)));
}

function fromFolder(glob: string): string {
  return glob.startsWith("**/") || glob.startsWith("/") ? glob : `/${glob}`;
}
