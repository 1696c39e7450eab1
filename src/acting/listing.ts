/** A list of files as a text: all of them where they fit, else with the deepest folders as one line each. */
import { counted } from "./results";

/** Folders that are deeper are always folded. */
const mostDepth = 12;

/** `paths` are below one folder, with "/"; one that ends with "/" is an empty folder. At most `most` units, at least one line. */
export function listingText(
  paths: readonly string[],
  most: number,
): { readonly text: string; readonly isFolded: boolean } {
  const sorted = [...new Set(paths)].sort(byFolder);
  const whole = deepest(sorted);
  for (let depth = Math.min(whole, mostDepth); depth >= 1; depth--) {
    const text = foldedAt(sorted, depth).join("\n");
    if (text.length <= most) return { text, isFolded: depth < whole };
  }
  // Not even the first level fits.
  const lines = foldedAt(sorted, 1);
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (kept.length > 0 && length > most) break;
    kept.push(line);
  }
  if (kept.length < lines.length) kept.push(`[… ${lines.length - kept.length} more here]`);
  return { text: kept.join("\n"), isFolded: true };
}

function deepest(paths: readonly string[]): number {
  return paths.reduce((most, path) => Math.max(most, path.split("/").length), 1);
}

/** Files up to `depth` names deep; a folder at that depth is one line with the number of files in it. */
function foldedAt(paths: readonly string[], depth: number): readonly string[] {
  const lines: string[] = [];
  let folder = "";
  let inside = 0;
  const close = () => {
    if (folder !== "") lines.push(`${folder} (${counted(inside, "file")})`);
    folder = "";
  };
  for (const path of paths) {
    const parts = path.split("/");
    if (parts.length <= depth || (parts.length === depth + 1 && parts.at(-1) === "")) {
      close();
      lines.push(path);
      continue;
    }
    const own = `${parts.slice(0, depth).join("/")}/`;
    if (own !== folder) {
      close();
      folder = own;
      inside = 0;
    }
    if (!path.endsWith("/")) inside += 1;
  }
  close();
  return lines;
}

/** What is in one folder stands together, its files behind its folders. Not by language: the order is the same everywhere. */
function byFolder(one: string, other: string): number {
  const [left, right] = [one.split("/"), other.split("/")];
  for (let at = 0; ; at++) {
    const [a, b] = [left[at], right[at]];
    if (a === undefined || b === undefined) return left.length - right.length;
    if (a === b) continue;
    const [aIsFolder, bIsFolder] = [at < left.length - 1, at < right.length - 1];
    if (aIsFolder !== bIsFolder) return aIsFolder ? -1 : 1;
    return a < b ? -1 : 1;
  }
}
