/**
 * Characters that take no space but change how text reads or what it means: bidirectional controls, zero-width
 * characters, tags, invisible letters. In code they can make a program look like another one ("Trojan Source"), so code
 * shows each of them as a mark.
 */

/**
 * Unicode's own lists, the line and paragraph separators, and the control characters that are not white space. Excluded
 * are the variation selectors that choose how an emoji looks (U+FE00 to U+FE0F).
 */
const hidden =
  /(?![\uFE00-\uFE0F])[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]|(?![\t\n\f\r])\p{Cc}|[\uFFF9-\uFFFB]/gu;

/** A zero-width joiner between two emoji makes them one picture, so it is not hidden. */
const emojiJoiner = /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)\u200D(?=\p{Extended_Pictographic})/gu;

export interface HiddenCharacter {
  /** Offset in UTF-16 units. */
  readonly index: number;
  readonly text: string;
  /** "U+202E" */
  readonly code: string;
}

export function hiddenCharacters(text: string): readonly HiddenCharacter[] {
  // Fast path: plain ASCII, as most code is.
  if (!/[^\t\n\r -~]/.test(text)) return [];
  const joiners = new Set([...text.matchAll(emojiJoiner)].map(({ index }) => index));
  return [...text.matchAll(hidden)]
    .filter(({ index }) => !joiners.has(index))
    .map(({ index, 0: found }) => ({ index, text: found, code: `U+${hex(found)}` }));
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}
