import fuzzysort from "fuzzysort";
import type { FoundFile } from "../../protocol/chatFiles";

/** Paths that are compared before the thread is asked whether it is needed for something else. */
const pathsAtOnce = 250;
/** Below it, letters that happen to come in this order somewhere in a path would count as a match. */
const leastScore = 0.2;
/** A match in the name counts more than one in the folders above it. */
const nameBonus = 1;

interface Scored {
  readonly file: FoundFile;
  readonly score: number;
}

/**
 * The files whose paths fit what was typed, the best first: the letters in their order, rather at the beginnings of words
 * and in a row, rather in the name than in the folders above it; of equal ones the shorter path. With several words each of
 * them must fit. `pause` is waited for between pieces of the work.
 */
export async function searchFiles(
  query: string,
  files: readonly FoundFile[],
  most: number,
  pause: () => Promise<void>,
): Promise<readonly FoundFile[]> {
  const typed = query.trim().replaceAll("\\", "/");
  let best: readonly Scored[] = [];
  for (let from = 0; from < files.length; from += pathsAtOnce) {
    const piece = files.slice(from, from + pathsAtOnce);
    const found = fuzzysort.go(typed, piece, { key: "path", threshold: leastScore, limit: 0 });
    const scored = found.map(({ obj, score }) => ({ file: obj, score: score + nameScore(typed, obj.path) }));
    best = [...best, ...scored].sort(better).slice(0, most);
    await pause();
  }
  return best.map(({ file }) => file);
}

/** What was typed with a "/" is about the path. */
function nameScore(typed: string, path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (typed.includes("/") || name === path) return nameBonus * (typed.includes("/") ? 0 : 1);
  const inName = fuzzysort.single(typed, name);
  return inName === null || inName.score < leastScore ? 0 : nameBonus * inName.score;
}

function better(a: Scored, b: Scored): number {
  return b.score - a.score || a.file.path.length - b.file.path.length || (a.file.path < b.file.path ? -1 : 1);
}

/** Lets go of what the library keeps of each path that was compared. */
export function forgetSearches(): void {
  fuzzysort.cleanup();
}

/**
 * A glob of VS Code for the files whose paths have these letters in this order, whatever their case: for workspaces with
 * more files than are kept. Absent: there is nothing to look for.
 */
export function globOf(query: string): string | undefined {
  const letters = [...query.replaceAll(/\s/g, "")].filter((letter) => /[\p{L}\p{N}._-]/u.test(letter)).slice(0, 40);
  if (letters.length === 0) return undefined;
  const either = letters.map((letter) => {
    const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()];
    return lower === upper || lower.length !== 1 || upper.length !== 1 ? letter : `[${lower}${upper}]`;
  });
  return `**/*${either.join("*")}*`;
}
