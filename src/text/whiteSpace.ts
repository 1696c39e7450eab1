/** White space and words as Unicode has them. JavaScript's `trim` takes U+FEFF and leaves U+0085. */

const space = /^\p{White_Space}$/u;
const wordCharacter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;

/** The first place from `from` on that is not white space. */
export function endOfSpaces(text: string, from: number): number {
  let at = from;
  while (at < text.length && space.test(text.charAt(at))) at += 1;
  return at;
}

/** The last place down to `from` behind which there is white space only up to `to`. */
export function startOfSpaces(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && space.test(text.charAt(at - 1))) at -= 1;
  return at;
}

/** Whether a word reaches up to `at`, or goes on there. */
export function wordEndsAt(text: string, at: number): boolean {
  const pair = at > 1 ? (text.codePointAt(at - 2) ?? 0) : 0;
  return at > 0 && wordCharacter.test(pair > 0xffff ? String.fromCodePoint(pair) : text.charAt(at - 1));
}

export function wordBeginsAt(text: string, at: number): boolean {
  return at < text.length && wordCharacter.test(String.fromCodePoint(text.codePointAt(at) ?? 0));
}
