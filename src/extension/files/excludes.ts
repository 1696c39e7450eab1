/**
 * One glob for all that `search.exclude` leaves out; `undefined`: nothing. VS Code itself adds `files.exclude` to a search
 * with such a glob. Entries that depend on other files are left to VS Code's own search.
 */
export function excludeGlob(setting: unknown): string | undefined {
  if (typeof setting !== "object" || setting === null) return undefined;
  const globs = Object.entries(setting).flatMap(([glob, isOn]) => (isOn === true && glob.trim() !== "" ? [glob] : []));
  return globs.length === 0 ? undefined : `{${globs.join(",")}}`;
}
