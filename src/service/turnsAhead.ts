/** Turns of one model that are served before a request: running ones, or a group of waiting ones. */
export interface TurnsAhead {
  readonly directory: string;
  readonly turns: number;
}

/**
 * The turns before each of `waiting`, which are in the order in which they are served. Adjacent turns that wait for the
 * same model run together, so they are not before each other.
 */
export function turnsAhead<R extends { readonly directory: string | undefined }>(
  running: TurnsAhead,
  waiting: readonly R[],
): ReadonlyMap<R, readonly TurnsAhead[]> {
  const before = new Map<R, readonly TurnsAhead[]>();
  let ahead: readonly TurnsAhead[] = running.turns > 0 ? [running] : [];
  let group: { readonly directory: string; readonly turns: number } | undefined;
  for (const request of waiting) {
    const { directory } = request;
    if (group !== undefined && directory !== group.directory) {
      ahead = [...ahead, group];
      group = undefined;
    }
    before.set(request, ahead);
    if (directory !== undefined) group = { directory, turns: (group?.turns ?? 0) + 1 };
  }
  return before;
}
