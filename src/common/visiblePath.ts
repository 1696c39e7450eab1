/** What cannot be seen, or breaks or turns a line: a name must not look like something else than a name. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The path on one line: U+FFFD stands for each character of it that cannot be seen. */
export function visiblePath(path: string): string {
  return path.replace(invisible, "\uFFFD");
}
