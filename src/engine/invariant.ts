import { type ErrorFacts, ResidentError } from "../common/errors";

/** A broken promise inside the program, never a person's doing: a block released twice, a table used after release. */
export function bug(what: string, facts: ErrorFacts = {}): ResidentError {
  return new ResidentError("INTERNAL", what, "open the log for the details and report this", facts);
}

/** The element at `index`, which the caller knows to be there. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw bug("an index lies outside its table", { index, length: items.length });
  return item;
}
