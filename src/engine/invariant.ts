import { type ErrorFacts, ResidentError } from "../common/errors";

/** A bug in the program, never a user's mistake: a block released twice, a table used after release. */
export function bug(what: string, facts: ErrorFacts = {}): ResidentError {
  return new ResidentError("INTERNAL", what, "open the log for the details and report this", facts);
}

/** The element at `index`; the caller knows that it exists. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw bug("an index is outside its table", { index, length: items.length });
  return item;
}
