/** The order of pinned files: what seldom changes stands first, because what follows a change is read again. */

/** How restless a file is. */
export interface ChangeRank {
  /** Saves, older ones count less. */
  readonly saves: number;
  /** ms since 1970; 0: not known. */
  readonly changedAt: number;
}

/**
 * `paths` in their new order. `current` is the order in which the agent has them; up to the first one that goes or has
 * changed nothing moves, since nothing of that is read again. Behind it the files are ordered by how often, then by how
 * late they were saved; equal ones keep their order.
 */
export function pinOrder(
  paths: readonly string[],
  current: readonly string[],
  isChanged: (path: string) => boolean,
  rankOf: (path: string) => ChangeRank,
): readonly string[] {
  const wanted = new Set(paths);
  const firstChange = current.findIndex((path) => !wanted.has(path) || isChanged(path));
  const kept = firstChange < 0 ? current : current.slice(0, firstChange);
  const isKept = new Set(kept);
  const rest = [...current.slice(kept.length), ...paths.filter((path) => !current.includes(path))];
  const ranked = [...new Set(rest)]
    .filter((path) => wanted.has(path) && !isKept.has(path))
    .map((path) => ({ path, rank: rankOf(path) }))
    .sort(({ rank: a }, { rank: b }) => a.saves - b.saves || a.changedAt - b.changedAt);
  return [...kept, ...ranked.map(({ path }) => path)];
}
