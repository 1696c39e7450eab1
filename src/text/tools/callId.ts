const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Mistral's templates take ids of exactly nine letters and digits. Two of a conversation are hardly ever the same. */
const length = 9;

/** A new id for a call. */
export function newCallId(): string {
  const random = crypto.getRandomValues(new Uint32Array(length));
  return Array.from(random, (value) => characters.charAt(value % characters.length)).join("");
}
