/** A folder in words: which files it has. */

/** Files that a listing names. */
export const mostListed = 500;

/**
 * One path a line, relative to the folder, in the order of an explorer: what is in folders first. `more`: there are files
 * that were not looked for.
 */
export function listingText(paths: readonly string[], more: boolean): string {
  const sorted = [...paths].sort(asInExplorer);
  const shown = sorted.slice(0, mostListed);
  const left = sorted.length - shown.length;
  const note = more ? ["… and more files"] : left > 0 ? [`… and ${left} more file${left === 1 ? "" : "s"}`] : [];
  return [...shown, ...note].map((line) => `${line}\n`).join("");
}

function asInExplorer(a: string, b: string): number {
  const [partsA, partsB] = [a.split("/"), b.split("/")];
  for (let at = 0; at < partsA.length && at < partsB.length; at++) {
    const [partA = "", partB = ""] = [partsA[at], partsB[at]];
    if (partA === partB) continue;
    const [isFileA, isFileB] = [at === partsA.length - 1, at === partsB.length - 1];
    if (isFileA !== isFileB) return isFileA ? 1 : -1;
    return partA < partB ? -1 : 1;
  }
  return partsA.length - partsB.length;
}
