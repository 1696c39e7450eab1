/**
 * Characters that take no space but change how text reads or what it means: bidirectional controls, zero-width
 * characters, tags, invisible letters. In code they can make a program look like another one ("Trojan Source"), so code
 * shows each of them as a mark.
 */
import { type Child, childrenOf, h, type TreeNode, withChildren } from "./tree";

/**
 * Unicode's own lists, the line and paragraph separators, and the control characters that are not white space. Excluded
 * are the variation selectors that choose how an emoji looks (U+FE00 to U+FE0F).
 */
const hidden =
  /(?![\uFE00-\uFE0F])[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]|(?![\t\n\f\r])\p{Cc}|[\uFFF9-\uFFFB]/gu;

/** A zero-width joiner between two emoji makes them one picture, so it is not hidden. */
const emojiJoiner = /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)\u200D(?=\p{Extended_Pictographic})/gu;

/** Names of the most common ones; the others are shown by number only. */
const names: Readonly<Record<string, string>> = {
  "00AD": "soft hyphen",
  "061C": "Arabic letter mark",
  "200B": "zero-width space",
  "200C": "zero-width non-joiner",
  "200D": "zero-width joiner",
  "200E": "left-to-right mark",
  "200F": "right-to-left mark",
  "2028": "line separator",
  "2029": "paragraph separator",
  "202A": "left-to-right embedding",
  "202B": "right-to-left embedding",
  "202C": "pop directional formatting",
  "202D": "left-to-right override",
  "202E": "right-to-left override",
  "2060": "word joiner",
  "2066": "left-to-right isolate",
  "2067": "right-to-left isolate",
  "2068": "first strong isolate",
  "2069": "pop directional isolate",
  FEFF: "zero-width no-break space",
};

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

export function withoutHidden(text: string): string {
  return pieces(text, () => "").join("");
}

/** The same content with a mark instead of each hidden character, which then has no effect on the text around it. */
export function markHidden(children: readonly Child[]): readonly Child[] {
  return children.flatMap((child): readonly Child[] => {
    if (typeof child === "string") return pieces(child, mark);
    return [withChildren(child, markHidden(childrenOf(child)))];
  });
}

/** Marks cost an element each: a text that is nearly made of hidden characters has one sign for each instead. */
const mostMarks = 1000;

/** `markHidden` for texts of any length, as programs give them. */
export function markFewHidden(...children: readonly Child[]): readonly Child[] {
  let left = mostMarks;
  const mark = (child: Child): readonly Child[] => {
    if (typeof child !== "string") return [withChildren(child, childrenOf(child).flatMap(mark))];
    left -= hiddenCharacters(child).length;
    return left >= 0 ? markHidden([child]) : [pieces(child, () => "\uFFFD").join("")];
  };
  return children.flatMap(mark);
}

function pieces<Mark>(text: string, replace: (character: HiddenCharacter) => Mark): readonly (string | Mark)[] {
  const found = hiddenCharacters(text);
  if (found.length === 0) return [text];
  const parts: (string | Mark)[] = [];
  let end = 0;
  for (const character of found) {
    if (character.index > end) parts.push(text.slice(end, character.index));
    parts.push(replace(character));
    end = character.index + character.text.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** The style sheet paints the number: text that is selected and copied has neither the character nor the number. */
function mark({ code }: HiddenCharacter): TreeNode {
  const name = names[code.slice(2)];
  const title = name === undefined ? code : `${code}, ${name}`;
  return h("span.hidden-char", { role: "img", "aria-label": `hidden character ${title}`, title, "data-code": code });
}
